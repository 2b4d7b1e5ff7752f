import { duplexPair } from 'node:stream'
import { NEVER } from '../../base/abort.ts'
import { fromUtf8, utf8, viewOf } from '../../base/bytes.ts'
import { type ByteChannel, openChannel } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import {
  arrayOf,
  dictOf,
  encodeBinaryPlist,
  encodeXmlPlist,
  type Plist,
  type PlistDict,
  PlistReal,
  parsePlist,
  textOf,
} from '../../plist/index.ts'
import type { BackupPhone } from '../backup/backup-phone.ts'
import { serveBackup } from '../backup/serve-backup.ts'

/** A host for tests of the phone: honest unless told otherwise, with its folder in memory, written without the phone's own code. */
export interface ScriptedHost {
  /** Path to bytes, as in `<UDID>/Status.plist`. */
  readonly files: Map<string, Uint8Array>
  readonly folders: Set<string>
  freeBytes: number
  /** Of DeviceLink. */
  version: number
  /** Looked at before every request of the phone: what it returns is answered instead, 'cut' ends the connection. */
  meddle: (
    request: readonly Plist[],
  ) => readonly [code: number | bigint, text: string, payload: Plist] | 'cut' | undefined
  /** Ends the connection after that many bytes of file data. */
  cutAfterBytes: number
}

export interface Session {
  /** Undefined when the connection ended before there was one. */
  readonly response: PlistDict | undefined
  /** One line a message of the phone, repetitions of a kind counted. */
  readonly transcript: readonly string[]
  /** Names of files in the order they came. */
  readonly received: readonly string[]
}

export function newHost(): ScriptedHost {
  return {
    ...{ files: new Map(), folders: new Set(), freeBytes: 1e15, version: 400 },
    ...{ meddle: () => undefined, cutAfterBytes: Infinity },
  }
}

/** The host will cut the cable when a message of that name comes for the nth time. */
export function cutAt(host: ScriptedHost, name: string, nth: number): void {
  let seen = 0
  host.meddle = ([message]) => (message === name && ++seen === nth ? 'cut' : undefined)
}

/** The host is honest again. */
export function heal(host: ScriptedHost): void {
  host.meddle = () => undefined
  host.cutAfterBytes = Number.POSITIVE_INFINITY
}

/** Connects host and phone, sends one request, and serves the phone until it responds or the connection ends. */
export async function hold(host: ScriptedHost, phone: BackupPhone, request: PlistDict): Promise<Session> {
  const [left, right] = duplexPair({ highWaterMark: 256 * 1024 })
  const phoneChannel = openChannel(left)
  await using channel = openChannel(right)
  const serving = serveBackup(phoneChannel, phone, { signal: NEVER }).finally(() => phoneChannel[Symbol.asyncDispose]())
  const side = new HostSide(host, channel)
  const [response] = await Promise.all([
    side.run({ TargetIdentifier: phone.udid, ...request }).finally(() => (side.wasCut ? left.destroy() : right.end())),
    serving,
  ])
  return { response, transcript: side.transcript(), received: side.received }
}

const signal = NEVER

const OK: readonly [number, string, Plist] = [0, '___EmptyParameterString___', {}]
const OK_BODY = encodeBinaryPlist(['DLMessageStatusResponse', ...OK])

class Cut extends Error {}

class HostSide {
  readonly received: string[] = []
  wasCut = false
  readonly #host: ScriptedHost
  readonly #channel: ByteChannel
  readonly #log: { line: string; count: number }[] = []
  #dataBytes = 0
  #listings = new Map<string, [name: string, attributes: PlistDict][]>()

  constructor(host: ScriptedHost, channel: ByteChannel) {
    this.#host = host
    this.#channel = channel
  }

  transcript(): string[] {
    return this.#log.map(({ line, count }) => (count === 1 ? line : `${line} × ${count}`))
  }

  async run(request: PlistDict): Promise<PlistDict | undefined> {
    try {
      await this.#begin()
      await this.#send(['DLMessageProcessMessage', request])
      const response = await this.#serve()
      await this.#send(['DLMessageDisconnect', '___EmptyParameterString___'])
      return response
    } catch (error) {
      this.wasCut = error instanceof Cut
      if (this.wasCut || isAppError(error, 'wire.closed')) return undefined
      throw error
    }
  }

  async #begin(): Promise<void> {
    await this.#receive()
    await this.#send(['DLMessageVersionExchange', 'DLVersionsOk', this.#host.version])
    await this.#receive()
    const versions = [new PlistReal(2), new PlistReal(2.1)]
    await this.#send(['DLMessageProcessMessage', { MessageName: 'Hello', SupportedProtocolVersions: versions }])
    await this.#receive()
  }

  async #serve(): Promise<PlistDict | undefined> {
    for (;;) {
      const message = await this.#receive()
      if (message[0] === 'DLMessageProcessMessage') return dictOf(message[1])
      const meddled = this.#host.meddle(message)
      if (meddled === 'cut') throw new Cut()
      const answer = await this.#perform(message, meddled?.[0] ?? 0)
      if (meddled === undefined && answer === OK) await this.#sendFrame(OK_BODY)
      else await this.#send(['DLMessageStatusResponse', ...(meddled ?? answer)])
    }
  }

  async #perform(message: readonly Plist[], meddledCode: number | bigint): Promise<readonly [number, string, Plist]> {
    const name = textOf(message[0]) ?? ''
    const { folders, freeBytes } = this.#host
    const first = textOf(message[1]) ?? ''
    const paths = (arrayOf(message[1]) ?? []).map((path) => textOf(path) ?? '')
    switch (name) {
      case 'DLMessageGetFreeDiskSpace':
        this.#note('free space')
        return [0, '', freeBytes]
      case 'DLMessagePurgeDiskSpace':
        this.#note(`purge ${String(message[1])} ${String(message[2])}`)
        return [-1, 'Operation not supported', {}]
      case 'DLMessageCreateDirectory':
        this.#note(/\/[0-9a-f]{2}$/.test(first) ? `folder ${first.slice(0, -2)}**` : `folder ${first}`)
        if (folders.has(first)) return [-7, 'exists', {}]
        folders.add(first)
        return OK
      case 'DLContentsOfDirectory':
        this.#note(/\/[0-9a-f]{2}$/.test(first) ? `list ${first.slice(0, -2)}**` : `list ${first}`)
        return [0, '', this.#list(first)]
      case 'DLMessageCopyItem':
        return this.#copy(first, textOf(message[2]) ?? '')
      case 'DLMessageMoveItems':
        return this.#move(dictOf(message[1]) ?? {}, meddledCode)
      case 'DLMessageRemoveItems':
        this.#note(`remove ${shorten(paths)}`)
        if (meddledCode === 0) for (const path of paths) this.#remove(path)
        return OK
      case 'DLMessageUploadFiles':
        await this.#receiveFiles(meddledCode)
        return OK
      case 'DLMessageDownloadFiles':
        return this.#sendFiles(paths)
      default:
        throw new Error(`The phone sent ${name}`)
    }
  }

  /** The phone lists a folder and then what is in it: looking through all names once is enough for both. */
  #list(path: string): PlistDict {
    if (!this.#host.folders.has(path)) throw new Error(`The phone lists ${path}, which it never made`)
    if (!/\/[0-9a-f]{2}$/.test(path)) this.#listings = this.#listAll()
    return Object.fromEntries(this.#listings.get(path) ?? [])
  }

  #listAll(): Map<string, [name: string, attributes: PlistDict][]> {
    const listings = new Map<string, [string, PlistDict][]>()
    const add = (path: string, DLFileType: string, DLFileSize: number) => {
      const slash = path.lastIndexOf('/')
      const siblings = listings.get(path.slice(0, slash)) ?? []
      siblings.push([path.slice(slash + 1), { DLFileType, DLFileSize, DLFileModificationDate: new Date(0) }])
      listings.set(path.slice(0, slash), siblings)
    }
    for (const path of this.#host.folders) add(path, 'DLFileTypeDirectory', 0)
    for (const [path, bytes] of this.#host.files) add(path, 'DLFileTypeRegular', bytes.length)
    return listings
  }

  #move(pairs: PlistDict, meddledCode: number | bigint): readonly [number, string, Plist] {
    const { files, folders } = this.#host
    this.#note(`move ${shorten(Object.keys(pairs))}`)
    if (meddledCode !== 0) return [0, '', {}]
    const errors: Record<string, Plist> = {}
    for (const [from, to] of Object.entries(pairs)) {
      const bytes = files.get(from)
      if (bytes !== undefined) {
        files.delete(from)
        files.set(String(to), bytes)
      } else if (folders.has(from)) this.#moveFolder(from, String(to))
      else errors[from] = { DLFileErrorString: 'No such file or directory', DLFileErrorCode: -6 }
    }
    return Object.keys(errors).length > 0 ? [-13, 'Multi status', errors] : [0, '', {}]
  }

  #copy(from: string, to: string): readonly [number, string, Plist] {
    const { files, folders } = this.#host
    this.#note(`copy ${from} ${to}`)
    for (const [path, bytes] of [...files])
      if (path.startsWith(`${from}/`)) files.set(to + path.slice(from.length), bytes)
    for (const path of [...folders]) if (`${path}/`.startsWith(`${from}/`)) folders.add(to + path.slice(from.length))
    return OK
  }

  #moveFolder(from: string, to: string): void {
    const { files, folders } = this.#host
    const renamed = (path: string) =>
      path === from || path.startsWith(`${from}/`) ? to + path.slice(from.length) : path
    const [oldFiles, oldFolders] = [[...files], [...folders]]
    files.clear()
    folders.clear()
    for (const [path, bytes] of oldFiles) files.set(renamed(path), bytes)
    for (const path of oldFolders) folders.add(renamed(path))
  }

  #remove(path: string): void {
    const { files, folders } = this.#host
    for (const known of [...files.keys()]) if (known === path || known.startsWith(`${path}/`)) files.delete(known)
    for (const known of [...folders]) if (known === path || known.startsWith(`${path}/`)) folders.delete(known)
  }

  async #receiveFiles(meddledCode: number | bigint): Promise<void> {
    const names: string[] = []
    for (;;) {
      const devicePath = await this.#frame()
      if (devicePath.length === 0) break
      const hostPath = fromUtf8(await this.#frame())
      const bytes = await this.#receiveFile()
      names.push(hostPath)
      if (bytes !== undefined && meddledCode === 0) this.#host.files.set(hostPath, bytes)
    }
    this.received.push(...names)
    this.#note(`upload ${shorten(names)}${this.#statusAmong(names)}`)
  }

  #statusAmong([first = '']: readonly string[]): string {
    const bytes = first.endsWith('/Status.plist') ? this.#host.files.get(first) : undefined
    return bytes === undefined ? '' : ` (${describeStatus(bytes)})`
  }

  async #receiveFile(): Promise<Uint8Array | undefined> {
    const blocks: Uint8Array[] = []
    for (;;) {
      const block = await this.#frame()
      if (block[0] !== 0x0c) return block[0] === 0 ? Buffer.concat(blocks) : undefined
      if (block.length < 2) throw new Error('The phone sent an empty block')
      blocks.push(block.subarray(1))
      this.#dataBytes += block.length - 1
      if (this.#dataBytes > this.#host.cutAfterBytes) throw new Cut()
    }
  }

  async #sendFiles(paths: readonly string[]): Promise<readonly [number, string, Plist]> {
    const errors: Record<string, Plist> = {}
    this.#note(`download ${shorten(paths)}`)
    for (const path of paths) {
      await this.#sendFrame(utf8(path))
      const bytes = this.#host.files.get(path)
      if (bytes === undefined) {
        errors[path] = { DLFileErrorString: 'No such file or directory', DLFileErrorCode: -6 }
        await this.#sendFrame(Buffer.concat([Uint8Array.of(6), utf8('No such file or directory')]))
        continue
      }
      for (let at = 0; at < bytes.length; at += 32_768) {
        await this.#sendFrame(Buffer.concat([Uint8Array.of(0x0c), bytes.subarray(at, at + 32_768)]))
      }
      await this.#sendFrame(Uint8Array.of(0))
    }
    await this.#sendFrame(new Uint8Array(0))
    return Object.keys(errors).length > 0 ? [-13, 'Multi status', errors] : [0, '', {}]
  }

  async #receive(): Promise<readonly Plist[]> {
    return arrayOf(parsePlist(await this.#frame())) ?? []
  }

  /** XML, as some hosts do. */
  async #send(message: readonly Plist[]): Promise<void> {
    await this.#sendFrame(encodeXmlPlist(message))
  }

  async #frame(): Promise<Uint8Array> {
    const size = viewOf(await this.#channel.readExactly(4, { signal })).getUint32(0)
    return this.#channel.readExactly(size, { signal })
  }

  async #sendFrame(bytes: Uint8Array): Promise<void> {
    const head = Buffer.alloc(4)
    head.writeUInt32BE(bytes.length)
    await this.#channel.write([head, bytes], { signal })
  }

  #note(line: string): void {
    const last = this.#log.at(-1)
    if (last?.line === line) last.count++
    else this.#log.push({ line, count: 1 })
  }
}

/** Payload names become `ab/x`, and only how many there are is told. */
function shorten(paths: readonly string[]): string {
  const [first = ''] = paths
  if (!/[0-9a-f]{2}\/[0-9a-f]{40}$/.test(first)) return paths.join(' ')
  return `${first.slice(0, -43)}**/* (${paths.length})`
}

function describeStatus(bytes: Uint8Array): string {
  const status = dictOf(parsePlist(bytes))
  const full = status?.IsFullBackup === true ? ' full' : ''
  return `${bytes.length} bytes: ${textOf(status?.BackupState)} ${textOf(status?.SnapshotState)}${full}`
}
