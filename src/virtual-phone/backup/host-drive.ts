import type { WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import { dictOf, numberOf, type Plist, PlistReal, signedOf, textOf } from '../../plist/index.ts'
import { BackupError, hostReadError, hostWriteError, MB, statusError } from './backup-error.ts'
import { type DeviceLink, EMPTY, encodeMessage, type HostStatus } from './device-link.ts'
import { DATA_CODE, UploadStream } from './upload-stream.ts'

/** Takes a file's bytes as they arrive. */
export type Sink = (piece: Uint8Array) => void | Promise<void>

/** Takes one file of several. */
export interface Receiver {
  readonly data: Sink
  /** After the host's last byte of it, also when it broke off. */
  end(): Promise<void>
}

/** The number that says why one path failed; 0 when it did not. */
export interface PathResult {
  readonly code: number
  readonly text: string
}

/** The host's folder, as the phone commands it: every method is one message, and throws `BackupError` when the host refuses. */
export class HostDrive {
  readonly #link: DeviceLink
  /** 0 to 100, sent along with most messages for the host to show. */
  progress = 0

  constructor(link: DeviceLink) {
    this.#link = link
  }

  /** Undefined when the host does not tell, or is too old to be asked: then nothing is checked. */
  async freeBytes(options: WaitOptions): Promise<number | undefined> {
    if (this.#link.version < FREE_SPACE_VERSION) return undefined
    const { code, payload } = await this.#link.ask(['DLMessageGetFreeDiskSpace'], options)
    return code === 0 ? numberOf(payload) : undefined
  }

  /** Asks the host to make room; false when it cannot, or is too old to be asked. */
  async purge(bytesWanted: number, options: WaitOptions): Promise<boolean> {
    if (this.#link.version < PURGE_VERSION) return false
    return (await this.#link.ask(['DLMessagePurgeDiskSpace', bytesWanted, PURGE_URGENCY], options)).code === 0
  }

  /** A folder that exists is all right. */
  async makeFolder(path: string, options: WaitOptions): Promise<void> {
    const { code, text } = await this.#link.ask(['DLMessageCreateDirectory', path, EMPTY, this.#progress()], options)
    if (code !== 0 && code !== -7) throw hostWriteError('Error creating directory', statusError(code, text, path))
  }

  /** The names in one folder and whether each is a folder. */
  async list(path: string, options: WaitOptions): Promise<Map<string, 'file' | 'folder'>> {
    return new Map(Array.from(await this.#contentsOf(path, options), ([name, entry]) => [name, kindOf(entry)]))
  }

  /** The bytes of all files in a folder and in the folders below it, down to the given depth. */
  async measure(path: string, { depth, ...options }: WaitOptions & { depth: number }): Promise<number> {
    let bytes = 0
    for (const [name, entry] of await this.#contentsOf(path, options)) {
      if (kindOf(entry) === 'file') bytes += Math.max(0, numberOf(dictOf(entry)?.DLFileSize) ?? 0)
      else if (depth > 1) bytes += await this.measure(`${path}/${name}`, { ...options, depth: depth - 1 })
    }
    return bytes
  }

  async #contentsOf(path: string, options: WaitOptions): Promise<readonly [name: string, attributes: Plist][]> {
    const { code, text, payload } = await this.#link.ask(
      ['DLContentsOfDirectory', path, EMPTY, this.#progress()],
      options,
    )
    if (code !== 0) throw hostReadError('Error listing directory', statusError(code, text, path))
    return Object.entries(dictOf(payload) ?? {})
  }

  /** Has the host copy a folder with all that is in it; how deep hosts do that differs. */
  async copy(pair: { from: string; to: string; bytes: number }, options: WaitOptions): Promise<void> {
    const { from, to, bytes } = pair
    const { code, text } = await this.#link.ask(
      ['DLMessageCopyItem', from, to, EMPTY, this.#progress(), bytes],
      options,
    )
    if (code !== 0) throw hostWriteError('Error copying item', statusError(code, text, from))
  }

  /** Renames; a missing source counts as an error unless it is in `mayBeMissing`. */
  async move(pairs: ReadonlyMap<string, string>, options: WaitOptions & { mayBeMissing?: string }): Promise<void> {
    const message = ['DLMessageMoveItems', Object.fromEntries(pairs), EMPTY, this.#progress()]
    const results = resultsOf(await this.#link.ask(message, options), [...pairs.keys()])
    for (const [path, { code, text }] of results) {
      if (code === -6 && path === options.mayBeMissing) continue
      if (code !== 0) throw hostWriteError('Error moving items', statusError(code, text, path))
    }
  }

  /** What is not there need not be removed. */
  async remove(paths: readonly string[], options: WaitOptions): Promise<void> {
    const message = ['DLMessageRemoveItems', paths, EMPTY, this.#progress()]
    for (const [path, { code, text }] of resultsOf(await this.#link.ask(message, options), paths)) {
      if (code !== 0 && code !== -6) throw hostWriteError('Error removing items', statusError(code, text, path))
    }
  }

  /** Announces files and streams what `play` writes. Resolves with the host's status when all has been received. */
  async upload(
    totalBytes: number,
    play: (stream: UploadStream) => Promise<void>,
    options: WaitOptions,
  ): Promise<HostStatus> {
    const announcement = encodeMessage(['DLMessageUploadFiles', EMPTY, this.#progress(), totalBytes])
    const stream = new UploadStream(this.#link, announcement, options)
    await play(stream)
    await stream.end()
    return this.#link.receiveStatus(options)
  }

  /** One whole small file. */
  async uploadBytes(hostPath: string, bytes: Uint8Array, options: WaitOptions): Promise<void> {
    await this.uploadBlocks(hostPath, { size: bytes.length, blocks: bytes.length === 0 ? [] : [bytes] }, options)
  }

  /** One file. */
  async uploadBlocks(
    hostPath: string,
    file: { size: number; blocks: Iterable<Uint8Array> | AsyncIterable<Uint8Array> },
    options: WaitOptions,
  ): Promise<void> {
    const play = async (stream: UploadStream) => {
      const name = hostPath.slice(hostPath.lastIndexOf('/') + 1)
      const uploading = stream.file({ devicePath: `${CACHE_FOLDER}/${name}`, hostPath })
      for await (const block of file.blocks) await uploading.data(block)
      uploading.end()
    }
    const { code, text } = await this.upload(file.size, play, options)
    if (code !== 0) throw hostWriteError('Error uploading file', statusError(code, text, hostPath))
  }

  /** Gets one file. A host's refusal is an answer: look at `code`. */
  async download(path: string, data: Sink, options: WaitOptions): Promise<PathResult> {
    const results = await this.downloadAll([path], () => ({ data, end: async () => undefined }), options)
    return results.get(path) ?? NOT_SENT
  }

  /** Gets several files in one message, in the order in which the host sends them. One result a path, as for one file. */
  async downloadAll(
    paths: readonly string[],
    receive: (path: string) => Receiver,
    options: WaitOptions,
  ): Promise<Map<string, PathResult>> {
    await this.#link.send(['DLMessageDownloadFiles', paths, EMPTY, this.#progress(), 0], options)
    const received = await this.#receiveFiles(new Set(paths), receive, options)
    const told = resultsOf(await this.#link.receiveStatus(options), paths)
    return new Map(paths.map((path) => [path, failureIn(told.get(path)) ?? received.get(path) ?? NOT_SENT]))
  }

  async #receiveFiles(
    wanted: ReadonlySet<string>,
    receive: (path: string) => Receiver,
    options: WaitOptions,
  ): Promise<Map<string, PathResult>> {
    const results = new Map<string, PathResult>()
    for (;;) {
      const size = await this.#link.receiveHead(options)
      if (size === 0) return results
      const path = await this.#link.receiveText(size, options)
      if (!wanted.has(path) || results.has(path))
        throw badFrame(`Received unexpected from path ${JSON.stringify(path)}`)
      const receiver = receive(path)
      results.set(path, await this.#receiveBlocks(receiver.data, options))
      await receiver.end()
    }
  }

  async #receiveBlocks(sink: Sink, options: WaitOptions): Promise<PathResult> {
    for (;;) {
      const size = await this.#link.receiveHead(options)
      if (size === 0) throw badFrame('Empty response')
      const code = await this.#link.receiveByte(options)
      if (code !== DATA_CODE)
        return { code: code === 0 ? 0 : -code, text: await this.#link.receiveText(size - 1, options) }
      for await (const piece of this.#link.receivePieces(size - 1, options)) await sink(piece)
    }
  }

  #progress(): PlistReal {
    return new PlistReal(Math.min(100, Math.max(0, this.progress)))
  }
}

/** Where the phone keeps what it makes for a backup. */
const CACHE_FOLDER = '/var/root/Library/Caches/Backup'
const PURGE_URGENCY = 4

/** DeviceLink's, from which on a message may be sent. Source: docs/protocol/mobilebackup2.md#devicelink */
const FREE_SPACE_VERSION = 300
const PURGE_VERSION = 400

const NOT_SENT: PathResult = { code: -6, text: 'The host did not send the file' }

function failureIn(result: PathResult | undefined): PathResult | undefined {
  return result?.code === 0 ? undefined : result
}

function kindOf(entry: Plist): 'file' | 'folder' {
  return textOf(dictOf(entry)?.DLFileType) === 'DLFileTypeDirectory' ? 'folder' : 'file'
}

/** One result a path. With -13 the payload tells which failed; any other code is that of the first path. */
function resultsOf({ code, text, payload }: HostStatus, paths: readonly string[]): Map<string, PathResult> {
  if (code !== -13) return new Map(code === 0 ? [] : [[paths[0] ?? '', { code, text }]])
  const errors = Object.entries(dictOf(payload) ?? {})
  return new Map(
    errors.map(([path, error]) => {
      const told = dictOf(error)
      return [path, { code: signedOf(told?.DLFileErrorCode) ?? -1, text: textOf(told?.DLFileErrorString) ?? '' }]
    }),
  )
}

/** Gathers a download in memory. */
export function memorySink(bytesMax: number): { sink: Sink; bytes: () => Uint8Array } {
  const pieces: Uint8Array[] = []
  let size = 0
  const sink = (piece: Uint8Array) => {
    size += piece.length
    if (size > bytesMax) throw new BackupError(MB.hostRead, `A file of the host is larger than ${bytesMax} bytes`)
    pieces.push(piece)
  }
  return { sink, bytes: () => Buffer.concat(pieces) }
}
