import type { WaitOptions } from '../../base/channel.ts'
import type { Phone } from '../../device/index.ts'
import type { Readings } from '../engine.ts'
import type { Sample } from '../notes/notes.ts'
import { look } from './look.ts'
import { sampleOf } from './notes-facts.ts'
import { readPhoneValues } from './phone-values.ts'
import { factsOfValues } from './values-facts.ts'

const LOOK_MS_MAX = 8_000

/** What the phone's own values tell, read in one short session. A phone that cannot be read is not reached; only abort is thrown. */
export async function glanceAt(phone: Phone, { signal }: WaitOptions): Promise<Readings> {
  const { clock, transport } = phone
  const limits = { clock, msMax: LOOK_MS_MAX, signal }
  const values = await look('values', limits, (signal) => readPhoneValues(phone, { signal }))
  const from = { source: 'this-computer', atMs: clock.nowMs() } as const
  const reach = values.kind === 'known' ? ({ kind: 'known', value: transport, ...from } as const) : undefined
  return { ...factsOfValues(values), reach: reach ?? { kind: 'absent', ...from } }
}

/** The same, for the notes. */
export async function samplePhone(phone: Phone, { signal }: WaitOptions): Promise<Sample> {
  return sampleOf(await glanceAt(phone, { signal }), phone.clock.nowMs())
}
