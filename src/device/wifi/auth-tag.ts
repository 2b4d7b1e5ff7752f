import { createHmac, hkdfSync } from 'node:crypto'
import { utf8 } from '../../base/bytes.ts'

/** Bytes of a tag that count. */
export const AUTH_TAG_BYTES = 8

/** The key with which a phone marks its adverts for one host. It identifies the host; it proves nothing. */
export function authKeyOf(hostId: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha512', utf8(hostId), '', '', 32))
}

/**
 * The tag of an advert for the host with this key: HMAC-SHA256 over the advert's `identifier` exactly as sent, cut to eight
 * bytes. Source: docs/protocol/wifi.md#auth-tags
 */
export function authTagOf(authKey: Uint8Array, identifier: Uint8Array): Uint8Array {
  return createHmac('sha256', authKey).update(identifier).digest().subarray(0, AUTH_TAG_BYTES)
}
