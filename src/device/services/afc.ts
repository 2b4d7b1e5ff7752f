import { concatBytes } from '../../base/bytes.ts'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import { deviceError } from '../errors.ts'
import type { Phone } from '../phone.ts'
import { printable } from '../printable.ts'
import type { AfcDeviceInfo, AfcStat } from './afc-answers.ts'
import { checkOk, dataOf, deviceInfoOf, handleOf, isMissing, namesOf, statOf, statusOf } from './afc-answers.ts'
import type { AfcPacket } from './afc-packet.ts'
import { AFC, cString, encodeAfcPacket, readAfcPacket, u64s } from './afc-packet.ts'
import { openLimitedService } from './limited-service.ts'

export type { AfcDeviceInfo, AfcStat } from './afc-answers.ts'

const AFC_SERVICE = 'com.apple.afc'

/** How a file is opened; all but `read` create it. */
export const AFC_MODE = { read: 1, readWrite: 2, replace: 3 } as const
export type AfcMode = (typeof AFC_MODE)[keyof typeof AFC_MODE]

const LINK_TYPE = { hard: 1, symbolic: 2 } as const
const WOULD_BLOCK = 19
const LOCK_SHARED_NOW = 5
const LOCK_EXCLUSIVE_NOW = 6
const UNLOCK = 12
const PIECE_BYTES = 1 << 20
const NOTHING = new Uint8Array(0)

/** Starts the phone's media folder service. Its root is what apps see as the media folder; no other files can be reached. */
export async function openAfc(phone: Phone, { signal }: WaitOptions): Promise<Afc> {
  return new Afc(await openLimitedService(phone, AFC_SERVICE, { signal }))
}

/**
 * Files in a folder of the phone. One question at a time; owns its stream, and whatever it opened or locked is let go when it
 * is disposed. What the phone refuses is `device.file-refused`. Source: docs/protocol/small-services.md#afc
 */
export class Afc implements AsyncDisposable {
  readonly #channel: ByteChannel
  #lastNumber = 0

  constructor(channel: ByteChannel) {
    this.#channel = channel
  }

  /** Undefined when there is nothing at the path. Of a link, the link itself is described. */
  async stat(path: string, options: WaitOptions): Promise<AfcStat | undefined> {
    const answer = await this.#ask({ operation: AFC.fileInfo, fixed: cString(path) }, options)
    return isMissing(answer) ? undefined : statOf(dataOf(answer, `to describe ${path}`))
  }

  /** The names in a folder, without `.` and `..`; undefined when there is no such folder. */
  async list(path: string, options: WaitOptions): Promise<readonly string[] | undefined> {
    const answer = await this.#ask({ operation: AFC.readDir, fixed: cString(path) }, options)
    if (isMissing(answer)) return undefined
    return namesOf(dataOf(answer, `to list ${path}`)).filter((name) => name !== '.' && name !== '..')
  }

  /** The phone's disk, and its model. */
  async deviceInfo(options: WaitOptions): Promise<AfcDeviceInfo> {
    const answer = await this.#ask({ operation: AFC.deviceInfo, fixed: NOTHING }, options)
    return deviceInfoOf(dataOf(answer, 'to tell of its disk'))
  }

  /** A whole small file; undefined when it is missing. More than `bytesMax` is refused here. */
  async readFile(
    path: string,
    { bytesMax, signal }: WaitOptions & { readonly bytesMax: number },
  ): Promise<Uint8Array | undefined> {
    if ((await this.stat(path, { signal })) === undefined) return undefined
    const pieces: Uint8Array[] = []
    let bytesLeft = bytesMax
    for await (const piece of this.readStream(path, { signal })) {
      bytesLeft -= piece.length
      if (bytesLeft < 0) throw tooBig(path, bytesMax)
      pieces.push(piece)
    }
    return concatBytes(pieces)
  }

  /** A file's content, in pieces of up to a few megabytes, each asked for when it is pulled. Other questions may come between. */
  async *readStream(path: string, { signal }: WaitOptions): AsyncGenerator<Uint8Array> {
    const handle = await this.open(path, AFC_MODE.read, { signal })
    let isUsable = true
    try {
      for (;;) {
        const asked = { operation: AFC.read, fixed: u64s(handle, PIECE_BYTES) }
        const piece = dataOf(await this.#ask(asked, { signal }), `to read ${path}`)
        if (piece.length === 0) return
        yield piece
      }
    } catch (error) {
      isUsable = false
      throw error
    } finally {
      if (isUsable) await this.close(handle, { signal })
    }
  }

  /** Writes a whole file, replacing it. The folder must exist. */
  async writeFile(path: string, content: Uint8Array, options: WaitOptions): Promise<void> {
    await this.writeStream(path, [content], options)
  }

  /** The same from pieces of any size. When they end in an error, what came before it stays in the file. */
  async writeStream(
    path: string,
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    { signal }: WaitOptions,
  ): Promise<void> {
    const handle = await this.open(path, AFC_MODE.replace, { signal })
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length; at += PIECE_BYTES) {
        const payload = piece.subarray(at, at + PIECE_BYTES)
        checkOk(await this.#ask({ operation: AFC.write, fixed: u64s(handle), payload }, { signal }), `to write ${path}`)
      }
    }
    await this.close(handle, { signal })
  }

  /** Cuts a file, or fills it up with zeros. */
  async truncate(path: string, { sizeBytes, signal }: WaitOptions & { readonly sizeBytes: number }): Promise<void> {
    const fixed = concatBytes([u64s(sizeBytes), cString(path)])
    checkOk(await this.#ask({ operation: AFC.truncate, fixed }, { signal }), `to cut ${path}`)
  }

  /** Makes a folder and its parents; an existing one stays. */
  async makeFolder(path: string, options: WaitOptions): Promise<void> {
    checkOk(await this.#ask({ operation: AFC.makeDir, fixed: cString(path) }, options), `to make ${path}`)
  }

  /** Makes a link: another name of a file, or one that leads to a path, whether or not there is something. */
  async makeLink(
    path: string,
    { kind, target, signal }: WaitOptions & { readonly kind: keyof typeof LINK_TYPE; readonly target: string },
  ): Promise<void> {
    const fixed = concatBytes([u64s(LINK_TYPE[kind]), cString(target), cString(path)])
    checkOk(await this.#ask({ operation: AFC.makeLink, fixed }, { signal }), `to link ${path}`)
  }

  /** Moves a file or folder to another name or folder. */
  async rename({ from, to }: { readonly from: string; readonly to: string }, options: WaitOptions): Promise<void> {
    const fixed = concatBytes([cString(from), cString(to)])
    checkOk(await this.#ask({ operation: AFC.rename, fixed }, options), `to rename ${from}`)
  }

  /** Removes a file or an empty folder. Missing is no failure. */
  async remove(path: string, options: WaitOptions): Promise<void> {
    await this.#remove(AFC.removePath, path, options)
  }

  /** Removes a file, or a folder with everything in it; the phone does so by itself, in one step. Missing is no failure. */
  async removeAll(path: string, options: WaitOptions): Promise<void> {
    await this.#remove(AFC.removeAll, path, options)
  }

  /** Opens a file; the handle is good until it is closed or this connection ends. */
  async open(path: string, mode: AfcMode, options: WaitOptions): Promise<bigint> {
    const fixed = concatBytes([u64s(mode), cString(path)])
    return handleOf(await this.#ask({ operation: AFC.open, fixed }, options), `to open ${path}`)
  }

  async close(handle: bigint, options: WaitOptions): Promise<void> {
    checkOk(await this.#ask({ operation: AFC.close, fixed: u64s(handle) }, options), 'to close a file')
  }

  /**
   * Locks an open file for this connection alone, or with `shared` for all that ask so. False when somebody else holds it: ask
   * again a little later.
   */
  async tryLock(
    handle: bigint,
    { shared = false, signal }: WaitOptions & { readonly shared?: boolean },
  ): Promise<boolean> {
    const fixed = u64s(handle, shared ? LOCK_SHARED_NOW : LOCK_EXCLUSIVE_NOW)
    const answer = await this.#ask({ operation: AFC.lock, fixed }, { signal })
    if (statusOf(answer) === WOULD_BLOCK) return false
    checkOk(answer, 'to lock a file')
    return true
  }

  async unlock(handle: bigint, options: WaitOptions): Promise<void> {
    checkOk(await this.#ask({ operation: AFC.lock, fixed: u64s(handle, UNLOCK) }, options), 'to unlock a file')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel[Symbol.asyncDispose]()
  }

  async #remove(operation: number, path: string, options: WaitOptions): Promise<void> {
    const answer = await this.#ask({ operation, fixed: cString(path) }, options)
    if (!isMissing(answer)) checkOk(answer, `to remove ${path}`)
  }

  async #ask(
    { operation, fixed, payload = NOTHING }: { operation: number; fixed: Uint8Array; payload?: Uint8Array },
    options: WaitOptions,
  ): Promise<AfcPacket> {
    const number = ++this.#lastNumber
    await this.#channel.write(encodeAfcPacket({ number, operation, fixed, payload }), options)
    const answer = await readAfcPacket(this.#channel, options)
    if (answer.number !== number) throw badFrame(`The phone answered AFC packet ${answer.number} instead of ${number}`)
    return answer
  }
}

function tooBig(path: string, bytesMax: number): Error {
  return deviceError('device.file-refused', `The phone's ${printable(path)} is larger than ${bytesMax} bytes`, {
    remedy: 'Nothing needs to be done unless this file is wanted: backups go on without it',
  })
}
