import { fromUtf8, viewOf } from '../../base/bytes.ts'
import { type ByteChannel, badFrame, type WaitOptions } from '../../base/channel.ts'
import { arrayOf, encodeBinaryPlist, type Plist, parsePlist, signedOf, textOf } from '../../plist/index.ts'

/** Stands for a missing argument where the position must be kept. */
export const EMPTY = '___EmptyParameterString___'

/** The largest property list taken from a host: a listing of a folder with 100,000 files is about half of it. */
const HOST_MESSAGE_BYTES_MAX = 32 * 2 ** 20
/** A block of file data may have any size up to this; it is passed on in pieces. */
const HOST_BLOCK_BYTES_MAX = 256 * 2 ** 20
/** The largest name or error text inside a stream of files. */
const HOST_TEXT_BYTES_MAX = 4_096

/** The newest version of DeviceLink that is known of phones. */
const VERSION = 400

/** The host said goodbye: the session is over, and that is all right. */
export class HostLeft extends Error {
  override readonly name = 'HostLeft'
}

/** A host's DLMessageStatusResponse. */
export interface HostStatus {
  /** 0 or negative. */
  readonly code: number
  readonly text: string
  readonly payload: Plist
}

/**
 * DeviceLink from the phone's side: u32 big-endian length and a body, both ways, where a body is a property list or, inside a
 * stream of files, raw bytes. One message is under way at a time. Does not own the channel.
 * Source: docs/protocol/mobilebackup2.md#devicelink
 */
export class DeviceLink {
  /** The lower of the two ends' versions, once they are known. */
  version = VERSION
  readonly #channel: ByteChannel
  /** A head that was asked for before anybody needed it, see `quietly`. */
  #earlyHead: Promise<number> | undefined

  constructor(channel: ByteChannel) {
    this.#channel = channel
  }

  async send(message: readonly Plist[], options: WaitOptions): Promise<void> {
    await this.#channel.write(encodeMessage(message), options)
  }

  /** Raw bytes, framed by the caller. */
  async sendRaw(bytes: Uint8Array, options: WaitOptions): Promise<void> {
    await this.#channel.write(bytes, options)
  }

  /** The next message that needs an answer. Throws `HostLeft` at a disconnect and `wire.bad-frame` at anything unknown. */
  async receive(options: WaitOptions): Promise<readonly [name: string, ...Plist[]]> {
    for (;;) {
      const message = arrayOf(parsePlist(await this.#receiveBody(options)))
      const name = textOf(message?.[0])
      if (message === undefined || name === undefined) throw badFrame('The host sent something that is no message')
      if (name === 'DLMessageDisconnect') throw new HostLeft('The host disconnected')
      if (name !== 'DLMessagePing') return [name, ...message.slice(1)]
    }
  }

  async #receiveBody(options: WaitOptions): Promise<Uint8Array> {
    const size = await this.receiveHead(options)
    if (size > HOST_MESSAGE_BYTES_MAX) throw badFrame(`A message claims ${size} bytes, limit ${HOST_MESSAGE_BYTES_MAX}`)
    return this.#channel.readExactly(size, options)
  }

  /** Sends a request and waits for its status. */
  async ask(message: readonly Plist[], options: WaitOptions): Promise<HostStatus> {
    await this.send(message, options)
    return this.receiveStatus(options)
  }

  async receiveStatus(options: WaitOptions): Promise<HostStatus> {
    const [name, code, text, payload, ...more] = await this.receive(options)
    if (name !== 'DLMessageStatusResponse') return this.refuse(name, options)
    if (payload === undefined || more.length > 0) return { code: -1, text: 'Too few components', payload: {} }
    const shown = textOf(text)
    return { code: signedOf(code) ?? -1, text: shown === undefined || shown === EMPTY ? '' : shown, payload }
  }

  /** Ends the session over a message that has no place here. */
  async refuse(name: string, options: WaitOptions): Promise<never> {
    await this.send(['DLMessageDisconnect', 'Unknown Message Received'], options)
    throw badFrame(`The host sent an unexpected ${name}`)
  }

  /** The length of the next frame. */
  async receiveHead(options: WaitOptions): Promise<number> {
    const early = this.#earlyHead
    this.#earlyHead = undefined
    return early ?? this.#readHead(options)
  }

  /** A short frame as text: names and error texts inside a stream of files. The size was read by `receiveHead`. */
  async receiveText(size: number, options: WaitOptions): Promise<string> {
    if (size > HOST_TEXT_BYTES_MAX) throw badFrame(`A name or text claims ${size} bytes, limit ${HOST_TEXT_BYTES_MAX}`)
    return fromUtf8(await this.#channel.readExactly(size, options))
  }

  async receiveByte(options: WaitOptions): Promise<number> {
    return (await this.#channel.readExactly(1, options))[0]!
  }

  /** The rest of a block of file data, in pieces as they arrive. */
  async *receivePieces(size: number, options: WaitOptions): AsyncGenerator<Uint8Array> {
    if (size > HOST_BLOCK_BYTES_MAX) throw badFrame(`A block claims ${size} bytes, limit ${HOST_BLOCK_BYTES_MAX}`)
    for (let left = size; left > 0; ) {
      const piece = await this.#channel.readSome(left, options)
      if (piece === undefined) throw new HostLeft('The host closed the connection inside a file')
      left -= piece.length
      yield piece
    }
  }

  /**
   * Does something that takes long while nothing is said. The work is aborted when the host leaves or breaks the silence; the
   * promise then rejects as `receive` would.
   */
  async quietly<Value>(work: (options: WaitOptions) => Promise<Value>, options: WaitOptions): Promise<Value> {
    const leaving = new AbortController()
    const working = work({ signal: AbortSignal.any([options.signal, leaving.signal]) })
    this.#earlyHead ??= this.#readHead(options)
    const first = await Promise.race([
      working.then(() => 'done'),
      this.#earlyHead.then(
        () => 'spoken',
        () => 'spoken',
      ),
    ])
    if (first === 'done') return working
    leaving.abort()
    working.catch(() => undefined)
    const [name] = await this.receive(options)
    return this.refuse(name, options)
  }

  async #readHead(options: WaitOptions): Promise<number> {
    return viewOf(await this.#channel.readExactly(4, options)).getUint32(0)
  }
}

/** Head and body of a message. */
export function encodeMessage(message: readonly Plist[]): readonly Uint8Array[] {
  const body = encodeBinaryPlist(message)
  return [frameHead(body.length), body]
}

/** The four bytes before a body. */
export function frameHead(size: number): Uint8Array {
  const head = new Uint8Array(4)
  viewOf(head).setUint32(0, size)
  return head
}
