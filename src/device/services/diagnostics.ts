import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import type { Plist, PlistDict } from '../../plist/index.ts'
import { boolOf, dictOf, numberOf, signedOf } from '../../plist/index.ts'
import { deviceError } from '../errors.ts'
import { ask } from '../plist-frame.ts'
import { printableValue } from '../printable.ts'

export const DIAGNOSTICS_RELAY = 'com.apple.mobile.diagnostics_relay'

/** A battery as its driver sees it. Every key is missing on some model. */
export interface Battery {
  readonly percent?: number
  readonly isCharging?: boolean
  readonly isOnPower?: boolean
  readonly cycles?: number
  /** What a full charge holds now, of what it held when new: 0 to 1, or a little more. */
  readonly health?: number
  readonly celsius?: number
  /** Negative while discharging. */
  readonly milliamperes?: number
}

/** The battery, from the phone's registry of drivers. Source: docs/protocol/small-services.md. */
export async function readBattery(channel: ByteChannel, { signal }: WaitOptions): Promise<Battery> {
  return batteryOf(await readRegistry(channel, { EntryClass: 'IOPMPowerSource' }, { signal }))
}

/** One entry of the phone's I/O registry; empty when there is none, which newer phones say by leaving it out. */
export async function readRegistry(
  channel: ByteChannel,
  entry: { readonly EntryClass: string } | { readonly EntryName: string },
  { signal }: WaitOptions,
): Promise<PlistDict> {
  const answer = await ask(channel, { Request: 'IORegistry', ...entry }, { signal })
  if (answer.Status !== 'Success') throw refused(answer.Status)
  return dictOf(dictOf(answer.Diagnostics)?.IORegistry) ?? {}
}

/** Ends the conversation, which phones expect of every client. */
export async function sayGoodbye(channel: ByteChannel, { signal }: WaitOptions): Promise<void> {
  await ask(channel, { Request: 'Goodbye' }, { signal })
}

function batteryOf(entry: PlistDict): Battery {
  const capacity = numberOf(entry.NominalChargeCapacity) ?? numberOf(entry.AppleRawMaxCapacity)
  const designed = numberOf(entry.DesignCapacity)
  const temperature = numberOf(entry.Temperature)
  return {
    ...optional('percent', numberOf(entry.CurrentCapacity)),
    ...optional('isCharging', boolOf(entry.IsCharging)),
    ...optional('isOnPower', boolOf(entry.ExternalConnected)),
    ...optional('cycles', numberOf(entry.CycleCount)),
    ...optional('health', capacity !== undefined && designed ? capacity / designed : undefined),
    ...optional('celsius', temperature === undefined ? undefined : temperature / 100),
    ...optional('milliamperes', signedOf(entry.InstantAmperage ?? entry.Amperage)),
  }
}

function optional<Key extends keyof Battery>(key: Key, value: Battery[Key]): Battery {
  return value === undefined ? {} : { [key]: value }
}

function refused(status: Plist | undefined): Error {
  const saw = `The phone did not give its diagnostics (${printableValue(status)})`
  return deviceError('device.diagnostics-refused', saw, {
    remedy: 'Unlock the phone once after its restart, try again',
  })
}
