import { fromUtf8, viewOf } from '../../base/bytes.ts'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import { deviceError } from '../errors.ts'
import type { Phone } from '../phone.ts'
import { openService } from '../phone.ts'
import type { AfcPacket } from './afc-packet.ts'
import { AFC, cString, encodeAfcPacket, readAfcPacket, u64s } from './afc-packet.ts'

const AFC_SERVICE = 'com.apple.afc'

/** How a file is opened; all but `read` create it. */
export const AFC_MODE = { read: 1, readWrite: 2, replace: 3 } as const
export type AfcMode = (typeof AFC_MODE)[keyof typeof AFC_MODE]

/** AFC's statuses, as far as they are answers here and not failures. Some phones say 4 for a missing path, most say 8. */
const OK = 0
const MISSING = new Set([4, 8])
const WOULD_BLOCK = 19
const LOCK_EXCLUSIVE_NOW = 6
const UNLOCK = 12
const PIECE_BYTES = 1 << 20
const NOTHING = new Uint8Array(0)

export interface AfcStat {
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  readonly sizeBytes: number
  readonly modifiedMs: number
}

/** Starts the phone's media folder service. Its root is what apps see as the media folder; no other files can be reached. */
export async function openAfc(phone: Phone, { signal }: WaitOptions): Promise<Afc> {
  return new Afc(await openService(phone, AFC_SERVICE, { signal }))
}

/**
 * Files in a phone's media folder. One question at a time; owns its stream, and whatever it opened or locked is let go when
 * it is disposed. Refusals are `device.file-refused`. Source: docs/protocol/small-services.md.
 */
export class Afc implements AsyncDisposable {
  readonly #channel: ByteChannel
  #lastNumber = 0

  constructor(channel: ByteChannel) {
    this.#channel = channel
  }

  /** Undefined when there is nothing at the path. */
  async stat(path: string, options: WaitOptions): Promise<AfcStat | undefined> {
    const answer = await this.#ask({ operation: AFC.fileInfo, fixed: cString(path) }, options)
    if (isMissing(answer)) return undefined
    return statOf(pairsOf(dataOf(answer, `to describe ${path}`)))
  }

  /** The names in a folder, without `.` and `..`; undefined when there is no such folder. */
  async list(path: string, options: WaitOptions): Promise<readonly string[] | undefined> {
    const answer = await this.#ask({ operation: AFC.readDir, fixed: cString(path) }, options)
    if (isMissing(answer)) return undefined
    const names = textsOf(dataOf(answer, `to list ${path}`))
    return names.filter((name) => name !== '.' && name !== '..' && name !== '')
  }

  /** A whole small file; undefined when it is missing. More than `bytesMax` is refused here. */
  async readFile(
    path: string,
    { bytesMax, signal }: WaitOptions & { readonly bytesMax: number },
  ): Promise<Uint8Array | undefined> {
    if ((await this.stat(path, { signal })) === undefined) return undefined
    const handle = await this.open(path, AFC_MODE.read, { signal })
    const pieces: Uint8Array[] = []
    let bytesLeft = bytesMax
    for (;;) {
      const fixed = u64s(handle, Math.min(PIECE_BYTES, bytesLeft + 1))
      const piece = dataOf(await this.#ask({ operation: AFC.read, fixed }, { signal }), `to read ${path}`)
      bytesLeft -= piece.length
      if (piece.length === 0 || bytesLeft < 0) break
      pieces.push(piece)
    }
    await this.close(handle, { signal })
    if (bytesLeft < 0) throw tooBig(path, bytesMax)
    return Buffer.concat(pieces)
  }

  /** Writes a whole file, replacing it. The folder must exist. */
  async writeFile(path: string, content: Uint8Array, { signal }: WaitOptions): Promise<void> {
    const handle = await this.open(path, AFC_MODE.replace, { signal })
    for (let at = 0; at < content.length; at += PIECE_BYTES) {
      const payload = content.subarray(at, at + PIECE_BYTES)
      checkOk(await this.#ask({ operation: AFC.write, fixed: u64s(handle), payload }, { signal }), `to write ${path}`)
    }
    await this.close(handle, { signal })
  }

  /** Makes a folder and its parents; an existing one stays. */
  async makeFolder(path: string, options: WaitOptions): Promise<void> {
    checkOk(await this.#ask({ operation: AFC.makeDir, fixed: cString(path) }, options), `to make ${path}`)
  }

  /** Removes a file or an empty folder. Missing is no failure. */
  async remove(path: string, options: WaitOptions): Promise<void> {
    const answer = await this.#ask({ operation: AFC.removePath, fixed: cString(path) }, options)
    if (!isMissing(answer)) checkOk(answer, `to remove ${path}`)
  }

  /** Opens a file; the handle is good until it is closed or this connection ends. */
  async open(path: string, mode: AfcMode, options: WaitOptions): Promise<bigint> {
    const fixed = Buffer.concat([u64s(mode), cString(path)])
    const answer = await this.#ask({ operation: AFC.open, fixed }, options)
    if (answer.operation !== AFC.opened || answer.fixed.length < 8) throw refused(answer, `to open ${path}`)
    return viewOf(answer.fixed).getBigUint64(0, true)
  }

  async close(handle: bigint, options: WaitOptions): Promise<void> {
    checkOk(await this.#ask({ operation: AFC.close, fixed: u64s(handle) }, options), 'to close a file')
  }

  /** Locks an open file for this connection alone. False when somebody else holds it: ask again a little later. */
  async tryLock(handle: bigint, options: WaitOptions): Promise<boolean> {
    const answer = await this.#ask({ operation: AFC.lock, fixed: u64s(handle, LOCK_EXCLUSIVE_NOW) }, options)
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

function statusOf({ operation, fixed }: AfcPacket): number | undefined {
  if (operation !== AFC.status || fixed.length < 8) return undefined
  return Number(viewOf(fixed).getBigUint64(0, true))
}

function isMissing(answer: AfcPacket): boolean {
  return MISSING.has(statusOf(answer) ?? OK)
}

function checkOk(answer: AfcPacket, asking: string): void {
  if (statusOf(answer) !== OK) throw refused(answer, asking)
}

function dataOf(answer: AfcPacket, asking: string): Uint8Array {
  if (answer.operation !== AFC.data) throw refused(answer, asking)
  return answer.payload
}

function textsOf(bytes: Uint8Array): readonly string[] {
  return fromUtf8(bytes).split('\0')
}

function pairsOf(bytes: Uint8Array): ReadonlyMap<string, string> {
  const texts = textsOf(bytes)
  const pairs = new Map<string, string>()
  for (let index = 0; index + 1 < texts.length; index += 2) pairs.set(texts[index]!, texts[index + 1]!)
  return pairs
}

const KINDS: ReadonlyMap<string | undefined, AfcStat['kind']> = new Map([
  ['S_IFREG', 'file'],
  ['S_IFDIR', 'folder'],
  ['S_IFLNK', 'link'],
])

function statOf(pairs: ReadonlyMap<string, string>): AfcStat {
  return {
    kind: KINDS.get(pairs.get('st_ifmt')) ?? 'other',
    sizeBytes: Number(pairs.get('st_size')) || 0,
    modifiedMs: Math.floor((Number(pairs.get('st_mtime')) || 0) / 1e6),
  }
}

function tooBig(path: string, bytesMax: number): Error {
  return deviceError('device.file-refused', `The phone's ${path} is larger than ${bytesMax} bytes`, {
    remedy: 'Nothing needs to be done unless this file is wanted: backups go on without it',
  })
}

function refused(answer: AfcPacket, asking: string): Error {
  const status = statusOf(answer)
  const saw = `The phone refused ${asking} (AFC ${status === undefined ? `answer ${answer.operation}` : `error ${status}`})`
  return deviceError('device.file-refused', saw, { remedy: 'Unlock the phone and try again' })
}
