import type { WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import { dictOf, numberOf, type Plist, PlistReal, signedOf, textOf } from '../../plist/index.ts'
import { BackupError, hostReadError, hostWriteError, MB, statusError } from './backup-error.ts'
import { type DeviceLink, EMPTY, encodeMessage, type HostStatus } from './device-link.ts'
import { DATA_CODE, UploadStream } from './upload-stream.ts'

/** Takes a file's bytes as they arrive. */
export type Sink = (piece: Uint8Array) => void | Promise<void>

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

  /** Works without a word to the host, which has to be silent too; it may leave. */
  quietly<Value>(work: (options: WaitOptions) => Promise<Value>, options: WaitOptions): Promise<Value> {
    return this.#link.quietly(work, options)
  }

  /** Undefined when the host does not tell: then nothing is checked. */
  async freeBytes(options: WaitOptions): Promise<number | undefined> {
    const { code, payload } = await this.#link.ask(['DLMessageGetFreeDiskSpace'], options)
    return code === 0 ? numberOf(payload) : undefined
  }

  /** Asks the host to make room; false when it cannot. */
  async purge(bytesWanted: number, options: WaitOptions): Promise<boolean> {
    return (await this.#link.ask(['DLMessagePurgeDiskSpace', bytesWanted, PURGE_URGENCY], options)).code === 0
  }

  /** A folder that exists is all right. */
  async makeFolder(path: string, options: WaitOptions): Promise<void> {
    const { code, text } = await this.#link.ask(['DLMessageCreateDirectory', path, EMPTY, this.#progress()], options)
    if (code !== 0 && code !== -7) throw hostWriteError('Error creating directory', statusError(code, text, path))
  }

  /** The names in one folder and whether each is a folder. */
  async list(path: string, options: WaitOptions): Promise<Map<string, 'file' | 'folder'>> {
    const { code, text, payload } = await this.#link.ask(
      ['DLContentsOfDirectory', path, EMPTY, this.#progress()],
      options,
    )
    if (code !== 0) throw hostReadError('Error listing directory', statusError(code, text, path))
    const kindOf = (entry: Plist) => (textOf(dictOf(entry)?.DLFileType) === 'DLFileTypeDirectory' ? 'folder' : 'file')
    return new Map(Object.entries(dictOf(payload) ?? {}).map(([name, entry]) => [name, kindOf(entry)]))
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
  async download(path: string, sink: Sink, options: WaitOptions): Promise<PathResult> {
    await this.#link.send(['DLMessageDownloadFiles', [path], EMPTY, this.#progress(), 0], options)
    const received = await this.#receiveFile(path, sink, options)
    const told = resultsOf(await this.#link.receiveStatus(options), [path]).get(path)
    if (told !== undefined && told.code !== 0) return told
    return received ?? { code: -6, text: 'The host did not send the file' }
  }

  async #receiveFile(path: string, sink: Sink, options: WaitOptions): Promise<PathResult | undefined> {
    let result: PathResult | undefined
    for (;;) {
      const size = await this.#link.receiveHead(options)
      if (size === 0) return result
      const from = await this.#link.receiveText(size, options)
      if (from !== path) throw badFrame(`Received unexpected from path ${JSON.stringify(from)}`)
      result = await this.#receiveBlocks(sink, options)
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
