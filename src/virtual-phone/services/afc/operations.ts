import { concatBytes, utf8 } from '../../../base/bytes.ts'
import { numberOf } from '../../../plist/index.ts'
import type { ServicePhone } from '../service.ts'
import { AfcError } from './afc-error.ts'
import { AfcArguments } from './arguments.ts'
import type { MediaNode, MediaTree } from './media-tree.ts'
import type { OpenFiles } from './open-files.ts'
import { type AfcAnswer, type AfcRequest, type AfcStatus, OPERATION, STATUS } from './packet.ts'

export interface AfcConnection {
  readonly phone: ServicePhone
  /** What is shown of the phone. */
  readonly media: MediaTree
  readonly files: OpenFiles
}

/** Carries out one request; what cannot be done becomes a status. */
export function performAfc({ operation, body }: AfcRequest, connection: AfcConnection): AfcAnswer {
  const perform = OPERATIONS.get(operation)
  if (perform === undefined) return status(operation > LAST_OPERATION ? STATUS.unknownPacket : STATUS.unsupported)
  try {
    return perform(new AfcArguments(body), connection)
  } catch (error) {
    if (error instanceof AfcError) return status(error.status)
    throw error
  }
}

/** The last operation that iOS is known to have; of those before it, the ones missing here are refused as unsupported. */
const LAST_OPERATION = 0x28

type Perform = (args: AfcArguments, connection: AfcConnection) => AfcAnswer

const OPERATIONS: ReadonlyMap<number, Perform> = new Map<number, Perform>([
  [OPERATION.readFolder, readFolder],
  [OPERATION.fileInfo, fileInfo],
  [OPERATION.deviceInfo, deviceInfo],
  [OPERATION.makeFolder, makeFolder],
  [OPERATION.remove, (args, { media }) => remove(args, media, { all: false })],
  [OPERATION.removeAll, (args, { media }) => remove(args, media, { all: true })],
  [OPERATION.rename, rename],
  [OPERATION.makeLink, makeLink],
  [OPERATION.setModifiedTime, setModifiedTime],
  [OPERATION.truncate, truncate],
  [OPERATION.openFile, openFile],
  [OPERATION.closeFile, closeFile],
  [OPERATION.readFile, readFile],
  [OPERATION.writeFile, writeFile],
  [OPERATION.seek, seek],
  [OPERATION.tell, tell],
  [OPERATION.setSize, setSize],
  [OPERATION.lock, lock],
])

function status(code: AfcStatus): AfcAnswer {
  return { kind: 'status', status: code }
}

const OK = status(STATUS.ok)

/** Texts, each ended by NUL. */
function texts(list: readonly string[]): AfcAnswer {
  return { kind: 'data', bytes: concatBytes(list.map((text) => utf8(`${text}\0`))) }
}

/** pymobiledevice3 drops the first two names without looking. */
function readFolder(args: AfcArguments, { media }: AfcConnection): AfcAnswer {
  return texts(['.', '..', ...media.findFolder(args.text()).children.keys()])
}

function fileInfo(args: AfcArguments, { media }: AfcConnection): AfcAnswer {
  const node = media.find(args.text(), { followLast: false })
  const size = sizeOf(node)
  const pairs = {
    st_size: size,
    st_blocks: Math.ceil(size / 512),
    st_nlink: node.kind === 'folder' ? node.children.size + 2 : 1,
    st_ifmt: { file: 'S_IFREG', folder: 'S_IFDIR', link: 'S_IFLNK' }[node.kind],
    st_mtime: node.modifiedNs,
    st_birthtime: node.bornNs,
    ...(node.kind === 'link' && { LinkTarget: node.target }),
  }
  return texts(Object.entries(pairs).flatMap(([key, value]) => [key, String(value)]))
}

function sizeOf(node: MediaNode): number {
  if (node.kind === 'file') return node.bytes.size
  return node.kind === 'link' ? utf8(node.target).length : 64
}

function deviceInfo(_args: AfcArguments, { phone }: AfcConnection): AfcAnswer {
  const bytesOf = (key: string) => numberOf(phone.values.get('com.apple.disk_usage', key)) ?? 0
  const pairs = {
    Model: phone.identity.model.productType,
    FSTotalBytes: bytesOf('TotalDiskCapacity'),
    FSFreeBytes: bytesOf('TotalDataAvailable'),
    FSBlockSize: 4096,
  }
  return texts(Object.entries(pairs).flatMap(([key, value]) => [key, String(value)]))
}

function makeFolder(args: AfcArguments, { media }: AfcConnection): AfcAnswer {
  media.makeFolder(args.text())
  return OK
}

function remove(args: AfcArguments, media: MediaTree, { all }: { all: boolean }): AfcAnswer {
  media.remove(args.text(), { all })
  return OK
}

function rename(args: AfcArguments, { media }: AfcConnection): AfcAnswer {
  media.rename({ from: args.text(), to: args.text() })
  return OK
}

function makeLink(args: AfcArguments, { media }: AfcConnection): AfcAnswer {
  const isHard = args.u64() === 1n
  const target = args.text()
  if (isHard) media.makeHardLink({ target, path: args.text() })
  else media.makeLink({ target, path: args.text() })
  return OK
}

function setModifiedTime(args: AfcArguments, { media }: AfcConnection): AfcAnswer {
  const ns = args.u64()
  media.find(args.text()).modifiedNs = ns
  return OK
}

function truncate(args: AfcArguments, { media }: AfcConnection): AfcAnswer {
  const size = args.size()
  const file = media.findFile(args.text())
  file.bytes.resize(size)
  media.touch(file)
  return OK
}

function openFile(args: AfcArguments, { files }: AfcConnection): AfcAnswer {
  const mode = args.u64()
  return { kind: 'handle', handle: files.open(args.text(), mode) }
}

function closeFile(args: AfcArguments, { files }: AfcConnection): AfcAnswer {
  files.close(args.u64())
  return OK
}

function readFile(args: AfcArguments, { files }: AfcConnection): AfcAnswer {
  const open = files.get(args.u64())
  const bytes = open.file.bytes.read(open.position, args.size())
  open.position += bytes.length
  return { kind: 'data', bytes }
}

function writeFile(args: AfcArguments, { files, media }: AfcConnection): AfcAnswer {
  const open = files.get(args.u64())
  const bytes = args.rest()
  const position = open.appends ? open.file.bytes.size : open.position
  open.file.bytes.write(position, bytes)
  open.position = position + bytes.length
  media.touch(open.file)
  return OK
}

function seek(args: AfcArguments, { files }: AfcConnection): AfcAnswer {
  const open = files.get(args.u64())
  const whence = args.u64()
  const origins = [0, open.position, open.file.bytes.size]
  const origin = whence < 3n ? origins[Number(whence)] : undefined
  const position = Number(args.i64()) + (origin ?? Number.NaN)
  if (!Number.isSafeInteger(position) || position < 0) throw new AfcError(STATUS.invalidArgument)
  open.position = position
  return OK
}

function tell(args: AfcArguments, { files }: AfcConnection): AfcAnswer {
  return { kind: 'position', position: files.get(args.u64()).position }
}

function setSize(args: AfcArguments, { files, media }: AfcConnection): AfcAnswer {
  const { file } = files.get(args.u64())
  file.bytes.resize(args.size())
  media.touch(file)
  return OK
}

const LOCK_SHARED = 1n
const LOCK_EXCLUSIVE = 2n
const LOCK_NO_WAIT = 4n
const LOCK_RELEASE = 8n

/** As flock(2) has them. Nobody waits here: also a request that would, is told to come again. */
function lock(args: AfcArguments, { files }: AfcConnection): AfcAnswer {
  const open = files.get(args.u64())
  const operation = args.u64() & ~LOCK_NO_WAIT
  if (operation === LOCK_RELEASE) {
    open.file.lock.release(open)
    return OK
  }
  if (operation !== LOCK_SHARED && operation !== LOCK_EXCLUSIVE) return status(STATUS.invalidArgument)
  const isTaken = open.file.lock.take(open, { exclusive: operation === LOCK_EXCLUSIVE })
  return isTaken ? OK : status(STATUS.wouldBlock)
}
