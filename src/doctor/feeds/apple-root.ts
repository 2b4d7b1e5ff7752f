import { X509Certificate } from 'node:crypto'
import type { DocumentCache } from './document-cache.ts'
import { FeedFailure, fetchDocument } from './fetch-document.ts'

/** Where Apple publishes its root certificate, on a server that everybody's authorities vouch for. */
const ADDRESS = new URL('https://www.apple.com/appleca/AppleIncRootCertificate.cer')

/** Of the certificate's bytes: nothing else is taken for it, wherever it comes from. Source: docs/protocol/doctor.md#apple-root-ca */
const SHA256 = 'B0:B1:73:0E:CB:C7:FF:45:05:14:2C:49:F1:29:5E:6E:DA:6B:CA:ED:7E:2C:68:C5:BE:91:B5:A1:10:01:F0:24'

/** It has 1.2 kB. */
const APPLE_ROOT_BYTES_MAX = 16 * 1024

/** Only this server needs it. */
export function needsAppleRoot({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' && hostname === 'gdmf.apple.com'
}

/**
 * Apple's own root, which vouches for some of its servers and is not among those that everybody trusts; PEM. Fetched once, then
 * kept. Throws `FeedFailure`, also for any other certificate.
 */
export async function loadAppleRoot(
  cache: DocumentCache,
  { nowMs, address = ADDRESS, signal }: { nowMs: number; address?: URL; signal: AbortSignal },
): Promise<string> {
  const kept = await cache.read(address)
  const keptRoot = kept && parseAppleRoot(kept.text)
  if (keptRoot !== undefined) return keptRoot
  const { body } = await fetchDocument(address, { bytesMax: APPLE_ROOT_BYTES_MAX, signal })
  const root = parseAppleRoot(body ?? new Uint8Array(0))
  if (root === undefined) throw new FeedFailure('odd', 'not the root certificate of Apple')
  await cache.write(address, { text: root, seenMs: nowMs, etag: undefined, aheadMs: undefined })
  return root
}

/** That very certificate from PEM or DER, as PEM; undefined for anything else. */
export function parseAppleRoot(bytes: Uint8Array | string, sha256 = SHA256): string | undefined {
  const certificate = parseCertificate(bytes)
  return certificate?.fingerprint256 === sha256 ? certificate.toString() : undefined
}

/** Undefined for what is no certificate. */
function parseCertificate(bytes: Uint8Array | string): X509Certificate | undefined {
  try {
    return new X509Certificate(bytes)
  } catch {
    return undefined
  }
}
