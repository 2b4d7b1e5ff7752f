import type { Clock } from '../../base/clock.ts'
import type { Phone } from '../../device/index.ts'
import type { Reading, Readings } from '../engine.ts'
import { readAppSizes } from './apps.ts'
import { type Looked, look, type OnLook, unreadFrom } from './look.ts'
import { readManagement } from './management.ts'
import { readPhoneValues } from './phone-values.ts'
import { mergePower, type RegistryFacts, readRegistryFacts } from './registry.ts'
import { bootSessionOf, factsOfValues } from './values-facts.ts'
import { measureLink } from './wifi-link.ts'

export interface GatherOptions {
  readonly clock: Clock
  readonly onLook?: OnLook | undefined
  readonly signal: AbortSignal
}

export interface Gathered {
  readonly readings: Readings
  /** The phone's word for this start of it; for the notes. */
  readonly bootSession: Reading<string>
}

/** Values are quick; a phone may count the sizes of its apps for minutes. */
const LOOK_MS_MAX = 8_000
const APPS_MS_MAX = 10_000

/**
 * Looks at everything that a phone tells, locked or not, trusted or not, all at once and for ten seconds at most. A broken
 * connection is `link`, a refusal `refused`, an answer that means nothing `odd`; only abort is thrown.
 */
export async function gatherPhone(phone: Phone, options: GatherOptions): Promise<Gathered> {
  const limits = { ...options, msMax: LOOK_MS_MAX }
  const isOnWifi = phone.transport === 'wifi'
  const [values, registry, apps, management, link] = await Promise.all([
    look('values', limits, (signal) => onceAgain(() => readPhoneValues(phone, { signal }))),
    look('battery', limits, (signal) => readRegistryFacts(phone, { signal })),
    look('apps', { ...limits, msMax: APPS_MS_MAX }, (signal) => readAppSizes(phone, { signal })),
    look('management', limits, (signal) => readManagement(phone, { signal })),
    isOnWifi ? look('wifi', limits, (signal) => measureLink(phone, { signal })) : NOT_ASKED,
  ])
  const facts = factsOfValues(values)
  const atMs = options.clock.nowMs()
  return {
    readings: {
      ...facts,
      reach: { kind: 'known', value: phone.transport, source: 'this-computer', atMs },
      power: mergePower(facts.power ?? NOT_ASKED, registry),
      apps: readingOf(apps, 'lockdown'),
      management: readingOf(management, 'lockdown'),
      link: readingOf(link, 'this-computer'),
      isOnWifi: isOnWifi ? { kind: 'known', value: true, source: 'this-computer', atMs } : wifiReading(registry),
    },
    bootSession: bootSessionOf(values),
  }
}

/** Most depends on these values, and a connection that broke once may hold the next time. */
async function onceAgain<Value>(read: () => Promise<Value>): Promise<Value> {
  try {
    return await read()
  } catch (error) {
    if (unreadFrom(error).why !== 'link') throw error
    return await read()
  }
}

/** A look as a fact. */
export function readingOf<Value>(
  looked: Looked<Value>,
  source: Extract<Reading<Value>, { kind: 'known' }>['source'],
): Reading<Value> {
  return looked.kind === 'known' ? { ...looked, source } : looked
}

function wifiReading(registry: Looked<RegistryFacts>): Reading<boolean> {
  if (registry.kind === 'unread') return registry
  const { isOnWifi } = registry.value
  return isOnWifi === undefined
    ? NOT_ASKED
    : { kind: 'known', value: isOnWifi, source: 'registry', atMs: registry.atMs }
}

const NOT_ASKED = { kind: 'unread', why: 'not-asked' } as const
