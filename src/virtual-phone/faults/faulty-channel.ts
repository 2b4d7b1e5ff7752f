import type { Duplex } from 'node:stream'
import { orAbort } from '../../base/abort.ts'
import { type ByteChannel, type WaitOptions, wireClosed } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import type { LinkFault, Side } from './fault.ts'
import { FrameMeter } from './frame-meter.ts'

/** A fault of one connection; `fire` notes that it happens, or says that it happens no more. */
export interface FaultAhead {
  readonly fault: LinkFault
  fire(): boolean
}

interface FaultyOptions {
  readonly faults: readonly FaultAhead[]
  /** Under the channel; destroyed when the link is cut. */
  readonly stream: Duplex
  readonly clock: Clock
  readonly phone: { lock(): void; restart(): void }
}

/** The same channel, on which things go wrong. What a cut leaves unsent is lost; so is what was being read across it. */
export function openFaultyChannel(channel: ByteChannel, options: FaultyOptions): ByteChannel {
  const toHost = new Lane('phone', options)
  const fromHost = new Lane('host', options)
  const read = async <Bytes extends Uint8Array | undefined>(reading: Promise<Bytes>, waiting: WaitOptions) => {
    const bytes = await reading
    if (bytes !== undefined) await fromHost.pass(bytes, async () => {}, waiting)
    return bytes
  }
  return {
    readExactly: (size, waiting) => read(channel.readExactly(size, waiting), waiting),
    readSome: (sizeMax, waiting) => read(channel.readSome(sizeMax, waiting), waiting),
    async write(pieces, waiting) {
      for (const piece of pieces instanceof Uint8Array ? [pieces] : pieces) {
        await toHost.pass(piece, (part) => channel.write(part, waiting), waiting)
      }
    },
    detach: () => channel.detach(),
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  }
}

/** Slow links rest in bites of at least this. */
const REST_MS_MIN = 10

/** One direction of a connection. */
class Lane {
  readonly #options: FaultyOptions
  readonly #meter = new FrameMeter()
  #ahead: readonly FaultAhead[]
  #bytes = 0
  #messages = 0
  #bytesPerSecond = Number.POSITIVE_INFINITY
  #owedMs = 0

  constructor(side: Side, options: FaultyOptions) {
    this.#options = options
    this.#ahead = options.faults.filter(({ fault }) => (fault.from ?? 'phone') === side)
  }

  /** Lets a piece through, in as many parts as faults and speed ask for. */
  async pass(piece: Uint8Array, send: (part: Uint8Array) => Promise<void>, waiting: WaitOptions): Promise<void> {
    let sent = 0
    for (const { offset, ahead } of this.#due(piece)) {
      await this.#passSlowly(piece.subarray(sent, offset), send, waiting)
      sent = offset
      if (ahead.fire()) await this.#act(ahead.fault, waiting)
    }
    await this.#passSlowly(piece.subarray(sent), send, waiting)
  }

  /** The faults whose place is in this piece, in the order of their places. */
  #due(piece: Uint8Array): readonly { offset: number; ahead: FaultAhead }[] {
    const starts = this.#meter.startsIn(piece)
    const due = this.#ahead.flatMap((ahead) => {
      const { atMessage, afterBytes = 0 } = ahead.fault
      const offset = atMessage === undefined ? afterBytes - this.#bytes : starts[atMessage - 1 - this.#messages]
      return offset !== undefined && offset >= 0 && offset <= piece.length ? [{ offset, ahead }] : []
    })
    this.#bytes += piece.length
    this.#messages += starts.length
    this.#ahead = this.#ahead.filter((ahead) => !due.some((one) => one.ahead === ahead))
    return due.toSorted((left, right) => left.offset - right.offset)
  }

  async #act(fault: LinkFault, { signal }: WaitOptions): Promise<void> {
    const { stream, clock, phone } = this.#options
    switch (fault.do) {
      case 'cut':
        await orAbort(flushed(stream), signal)
        stream.destroy()
        throw wireClosed(`The connection was cut after ${this.#bytes} bytes at most, as asked`)
      case 'stall':
        return await clock.sleep(fault.ms, { signal })
      case 'slow':
        this.#bytesPerSecond = fault.bytesPerSecond
        return
      case 'lock':
        return phone.lock()
      case 'restart':
        phone.restart()
        signal.throwIfAborted()
    }
  }

  /** At most a second's worth at a time. */
  async #passSlowly(piece: Uint8Array, send: (part: Uint8Array) => Promise<void>, waiting: WaitOptions): Promise<void> {
    const partBytes = Math.max(1, Math.min(piece.length, Math.floor(this.#bytesPerSecond)))
    for (let at = 0; at < piece.length; at += partBytes) {
      const part = piece.subarray(at, at + partBytes)
      await send(part)
      await this.#rest(part.length, waiting)
    }
  }

  async #rest(bytes: number, waiting: WaitOptions): Promise<void> {
    this.#owedMs += (bytes / this.#bytesPerSecond) * 1000
    if (this.#owedMs < REST_MS_MIN) return
    const ms = this.#owedMs
    this.#owedMs = 0
    await this.#options.clock.sleep(ms, waiting)
  }
}

/** Resolves when everything written so far has left the process, or the stream is gone. */
async function flushed(stream: Duplex): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.write('', () => resolve())
  await promise
}
