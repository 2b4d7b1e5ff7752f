import type { Duplex } from 'node:stream'
import type { ByteChannel } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import type { BackupFault, Fault, FaultOf, LinkFault } from './fault.ts'
import { openFaultyChannel } from './faulty-channel.ts'

export interface FiredFault {
  readonly fault: Fault
  /** The phone's clock. */
  readonly atMs: number
}

interface FaultsOptions {
  readonly clock: Clock
  /** What a fault can do to the phone. */
  readonly phone: { lock(): void; restart(): void }
  readonly onFire?: (fired: FiredFault) => void
}

/** A fault that waits for its moment. */
interface Armed<Kind extends Fault = Fault> {
  readonly fault: Kind
  timesLeft: number
  /** Files to go until it is the one. */
  filesToGo: number
}

/** The newest are remembered. */
const FIRED_MAX = 1000

/** What is to go wrong with a phone, and what has: a test can prove that its fault happened. */
export class Faults {
  readonly #clock: Clock
  readonly #phone: FaultsOptions['phone']
  readonly #onFire: (fired: FiredFault) => void
  readonly #armed = new Set<Armed>()
  #fired: readonly FiredFault[] = []

  constructor({ clock, phone, onFire = () => {} }: FaultsOptions) {
    this.#clock = clock
    this.#phone = phone
    this.#onFire = onFire
  }

  /** What has happened, oldest first. */
  get fired(): readonly FiredFault[] {
    return this.#fired
  }

  /** What has not, or is to happen again. */
  get waiting(): readonly Fault[] {
    return Array.from(this.#armed, ({ fault }) => fault)
  }

  /** From now on; a fault on a link is for connections that are opened after this. */
  add(...faults: readonly Fault[]): void {
    for (const fault of faults) {
      this.#armed.add({ fault, timesLeft: fault.times ?? 1, filesToGo: filesTo(fault) })
    }
  }

  /** Nothing goes wrong any more. */
  clear(): void {
    this.#armed.clear()
  }

  /** Asks whether this goes wrong now, which then counts as happened; for a fault of a file, asked once for every file. */
  take<Kind extends BackupFault['do']>(kind: Kind): FaultOf<Kind> | undefined {
    for (const armed of this.#armed) {
      if (!isOf(armed, kind) || --armed.filesToGo > 0) continue
      armed.filesToGo = filesTo(armed.fault)
      this.#fire(armed)
      return armed.fault
    }
    return undefined
  }

  /** The channel with what is to go wrong on it; `stream` is what is under it. */
  attachTo(channel: ByteChannel, { service, stream }: { service: string; stream: Duplex }): ByteChannel {
    const armed = Array.from(this.#armed)
      .filter((one) => isOnLink(one))
      .filter(({ fault }) => fault.service === service)
    if (armed.length === 0) return channel
    const faults = armed.map((one) => ({ fault: one.fault, fire: () => this.#fire(one) }))
    return openFaultyChannel(channel, { faults, stream, clock: this.#clock, phone: this.#phone })
  }

  /** False when another connection was quicker, and it does not happen again. */
  #fire(armed: Armed): boolean {
    if (armed.timesLeft === 0) return false
    if (--armed.timesLeft === 0) this.#armed.delete(armed)
    const fired = { fault: armed.fault, atMs: this.#clock.nowMs() }
    this.#fired = [...this.#fired.slice(1 - FIRED_MAX), fired]
    this.#onFire(fired)
    return true
  }
}

function filesTo(fault: Fault): number {
  return 'file' in fault ? (fault.file ?? 1) : 1
}

function isOf<Kind extends Fault['do']>(armed: Armed, kind: Kind): armed is Armed<FaultOf<Kind>> {
  return armed.fault.do === kind
}

function isOnLink(armed: Armed): armed is Armed<LinkFault> {
  return 'service' in armed.fault
}
