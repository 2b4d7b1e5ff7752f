import { randomBytes } from '../../base/random.ts'
import type { VirtualPhone } from '../phone.ts'
import type { Advert } from './advert.ts'
import { authTagOf } from './auth-tag.ts'

/** How a phone says on the network who it is: by its Wi-Fi address, or by a tag for each computer that it trusts. */
export type AdvertKind = (typeof ADVERT_KINDS)[number]

export const ADVERT_KINDS = ['wifi-address', 'auth-tags'] as const

/** What a phone calls itself for as long as it is on the network. */
export interface Names extends Pick<Advert, 'instance' | 'host'> {
  /** What the text record says now. */
  readonly txt: () => readonly string[]
}

/** As the phone's version of iOS does it, unless a kind is given. Source: docs/protocol/wifi.md#the-advert */
export function createNames(phone: VirtualPhone, kind: AdvertKind | undefined): Names {
  const host = `${phone.identity.model.deviceClass}-${randomBytes(3).toHex()}`
  const hidesAddress = (kind ?? (phone.traits.has('auth-tag') ? 'auth-tags' : 'wifi-address')) === 'auth-tags'
  if (!hidesAddress) return { instance: instanceOf(phone.identity.wifiAddress), host, txt: () => [] }
  const identifier = randomBytes(8).toBase64()
  return { instance: instanceOf(madeUpAddress()), host, txt: () => authTexts(identifier, phone.pairings.hostIds) }
}

/** `authTag`, `authTag#1`, `authTag#2`, …, one for each computer. */
export function authTexts(identifier: string, hostIds: readonly string[]): readonly string[] {
  const tags = hostIds.map((hostId, index) => {
    return `authTag${index === 0 ? '' : `#${index}`}=${authTagOf({ hostId, identifier })}`
  })
  return [`identifier=${identifier}`, ...tags]
}

/** A Wi-Fi address, and the IPv6 address that goes with it on every network. */
export function instanceOf(wifiAddress: string): string {
  const [first = 0, second, third, ...rest] = wifiAddress.split(':').map((byte) => Number.parseInt(byte, 16))
  const bytes = [first ^ 0x02, second, third, 0xff, 0xfe, ...rest].map((byte = 0) => byte.toString(16).padStart(2, '0'))
  const words = [0, 2, 4, 6].map((index) => `${bytes[index]}${bytes[index + 1]}`)
  return `${wifiAddress}@fe80::${words.join(':')}`
}

/** Locally administered, as private Wi-Fi addresses are. */
function madeUpAddress(): string {
  const bytes = randomBytes(6)
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')
}
