import { AfcError } from './afc-error.ts'
import type { MediaFile, MediaTree } from './media-tree.ts'
import { STATUS } from './packet.ts'

/** Open files of one connection; more are refused. */
const OPEN_FILES_MAX = 256

/** r, r+, w, w+, a, a+, in AFC's numbers. Source: docs/protocol/small-services.md#afc */
const MODES: ReadonlyMap<bigint, { readonly makes: boolean; readonly empties: boolean; readonly appends: boolean }> =
  new Map([
    [1n, { makes: false, empties: false, appends: false }],
    [2n, { makes: true, empties: false, appends: false }],
    [3n, { makes: true, empties: true, appends: false }],
    [4n, { makes: true, empties: true, appends: false }],
    [5n, { makes: true, empties: false, appends: true }],
    [6n, { makes: true, empties: false, appends: true }],
  ])

/** One open file, which also is the holder of its locks. */
export interface OpenFile {
  readonly file: MediaFile
  readonly appends: boolean
  position: number
}

/** The files that one connection has open. Disposing closes them, which frees their locks. */
export class OpenFiles implements Disposable {
  readonly #media: MediaTree
  readonly #files = new Map<bigint, OpenFile>()
  #nextHandle = 1n

  constructor(media: MediaTree) {
    this.#media = media
  }

  /** Returns the handle. Like every method, throws `AfcError` for what cannot be. */
  open(path: string, mode: bigint): bigint {
    const how = MODES.get(mode)
    if (how === undefined || this.#files.size === OPEN_FILES_MAX) throw new AfcError(STATUS.invalidArgument)
    const file = how.makes ? this.#media.makeFile(path) : this.#media.findFile(path)
    if (how.empties) file.bytes.resize(0)
    file.bytes.retain()
    const handle = this.#nextHandle++
    this.#files.set(handle, { file, appends: how.appends, position: 0 })
    return handle
  }

  get(handle: bigint): OpenFile {
    const open = this.#files.get(handle)
    if (open === undefined) throw new AfcError(STATUS.invalidArgument)
    return open
  }

  close(handle: bigint): void {
    const open = this.get(handle)
    this.#files.delete(handle)
    open.file.lock.release(open)
    open.file.bytes.release()
  }

  [Symbol.dispose](): void {
    for (const handle of [...this.#files.keys()]) this.close(handle)
  }
}
