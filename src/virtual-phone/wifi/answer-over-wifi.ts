import { dictOf, type PlistDict, textOf } from '../../plist/index.ts'
import { type Answer, type Asking, answerRequest } from '../lockdown/requests.ts'

/**
 * Nobody pairs over the network, and a computer without a session learns less there than over a cable.
 * Source: docs/protocol/wifi.md#lockdownd
 */
export function answerOverWifi(asking: Asking): Answer {
  const { request, session } = asking
  if (request.Request === 'Pair') return { error: 'PairingProhibitedOverThisConnection' }
  const answer = answerRequest(asking)
  const isStrangers = session === undefined && request.Request === 'GetValue' && (textOf(request.Domain) ?? '') === ''
  if (!isStrangers) return answer
  const key = textOf(request.Key)
  if (key !== undefined) return CABLE_ONLY_KEYS.has(key) ? { error: 'GetProhibited' } : answer
  return { ...answer, keys: { ...answer.keys, Value: withoutCableOnly(dictOf(answer.keys?.Value) ?? {}) } }
}

/** Values that a computer without a session gets over a cable only. */
const CABLE_ONLY_KEYS: ReadonlySet<string> = new Set(['BuildVersion', 'DeviceClass', 'DevicePublicKey'])

function withoutCableOnly(values: PlistDict): PlistDict {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !CABLE_ONLY_KEYS.has(key)))
}
