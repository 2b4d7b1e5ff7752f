import { createHmac, hkdfSync } from 'node:crypto'

const TAG_BYTES = 8

/**
 * What tells a computer that the phone which calls itself `identifier` is one of its own: nobody else knows the host ID.
 * Base64 of HMAC-SHA256(HKDF-SHA512(host ID), identifier as it is sent), cut to 8 bytes. Source: docs/protocol/wifi.md#auth-tags
 */
export function authTagOf({ hostId, identifier }: { hostId: string; identifier: string }): string {
  const key = Buffer.from(hkdfSync('sha512', hostId, '', '', 32))
  return createHmac('sha256', key).update(identifier).digest().subarray(0, TAG_BYTES).toString('base64')
}
