import { equalBytes, fromUtf8 } from '../../base/bytes.ts'
import type { PairRecord } from '../pairing/pair-record.ts'
import type { Advert } from './adverts.ts'
import { AUTH_TAG_BYTES, authTagOf } from './auth-tag.ts'

/** A phone that we are paired with, as far as its adverts tell it from others. */
export interface PairedPhone {
  readonly udid: string
  readonly record: PairRecord
  /** `authKeyOf` the record's host id. */
  readonly authKey: Uint8Array
}

/** What an advert may mean to us. */
export type Match =
  /** It says, in one way or another, that it is one of these; only the phone's certificate can prove it. */
  | { readonly kind: 'claims'; readonly udids: readonly string[] }
  /** It does not tell: a phone may use a made-up Wi-Fi address, so it has to be asked. */
  | { readonly kind: 'unclear' }
  /** It names the hosts that it trusts, and we are none of them. */
  | { readonly kind: 'stranger' }

/**
 * Which of our phones an advert speaks of: by the tags made for our host id (which may be several phones', when another program
 * gave them the same), else by the Wi-Fi address.
 * Source: docs/protocol/wifi.md#whose-advert-it-is
 */
export function matchAdvert(advert: Advert, paired: readonly PairedPhone[]): Match {
  const tagged = tagsOf(advert)
  const byTag = tagged === undefined ? [] : paired.filter(({ authKey }) => hasTag(tagged, authKey))
  const byAddress = paired.filter(({ record }) => {
    return advert.macAddress !== undefined && record.wifiMacAddress?.toLowerCase() === advert.macAddress
  })
  const matched = byTag.length > 0 ? byTag : byAddress
  if (matched.length > 0) return { kind: 'claims', udids: matched.map(({ udid }) => udid) }
  return { kind: tagged === undefined ? 'unclear' : 'stranger' }
}

interface Tagged {
  readonly identifier: Uint8Array
  readonly tags: readonly Uint8Array[]
}

/** `authTag`, `authTag#1`, …: base64, of which other spellings are taken too. Undefined without any. */
function tagsOf({ texts }: Advert): Tagged | undefined {
  const identifier = texts.get('identifier')
  const tags = [...texts]
    .filter(([key]) => /^authtag(#\d+)?$/.test(key))
    .map(([, text]) => Buffer.from(fromUtf8(text), 'base64').subarray(0, AUTH_TAG_BYTES))
    .filter(({ length }) => length === AUTH_TAG_BYTES)
  return identifier === undefined || tags.length === 0 ? undefined : { identifier, tags }
}

function hasTag({ identifier, tags }: Tagged, authKey: Uint8Array): boolean {
  const ours = authTagOf(authKey, identifier)
  return tags.some((tag) => equalBytes(tag, ours))
}
