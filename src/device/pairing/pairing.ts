import { fromUtf8 } from '../../base/bytes.ts'
import type { WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import { randomUuid } from '../../base/random.ts'
import { Secret } from '../../base/secret.ts'
import { bytesOf, textOf } from '../../plist/index.ts'
import { getValue, openLockdown, refusalOf } from '../lockdown/lockdown.ts'
import { fromLockdown } from '../lockdown/lockdown-errors.ts'
import type { Phone } from '../phone.ts'
import { makeCertificates } from './certificates.ts'
import type { PairRecord } from './pair-record.ts'
import { publicPart } from './pair-record.ts'
import { normalisePem } from './pem.ts'

/** A phone's answer to the wish to pair. */
export type PairingAnswer =
  | { readonly state: 'paired'; readonly record: PairRecord }
  /** The phone shows "Trust This Computer?", or asks for its passcode after it. */
  | { readonly state: 'dialog' }
  /** The phone is locked and will ask once it is unlocked. */
  | { readonly state: 'locked' }
  /** Somebody tapped "Don't Trust". */
  | { readonly state: 'refused' }

export type PairingWait = 'dialog' | 'locked'

const ASK_AGAIN_MS = 1000

/**
 * Pairs with a phone: asks once a second until somebody has tapped Trust, telling `onWait` whenever what it waits for changes,
 * then keeps the record. Aborting leaves the phone's dialog up and nothing else. Throws `device.trust-refused`,
 * `device.needs-cable`, `device.supervised`. Source: docs/protocol/lockdown.md.
 */
export async function pairAndWait(
  phone: Phone,
  { systemBuid, onWait, signal }: WaitOptions & { systemBuid: string; onWait?: (waitsFor: PairingWait) => void },
): Promise<PairRecord> {
  const draft = await draftPairRecord(phone, { systemBuid, signal })
  let waitedFor: PairingWait | undefined
  for (;;) {
    const answer = await askToPair(phone, draft, { signal })
    if (answer.state === 'refused') throw fromLockdown('UserDeniedPairing', { asking: 'to pair' })
    if (answer.state === 'paired') {
      await phone.pairRecords.save(phone.udid, answer.record, { signal })
      return answer.record
    }
    if (answer.state !== waitedFor) onWait?.(answer.state)
    waitedFor = answer.state
    await phone.clock.sleep(ASK_AGAIN_MS, { signal })
  }
}

/** Makes host id, keys and certificates for one phone, once, however often it is asked with them. By cable only. */
export async function draftPairRecord(
  phone: Phone,
  { systemBuid, signal }: WaitOptions & { readonly systemBuid: string },
): Promise<PairRecord> {
  if (phone.transport === 'wifi') throw fromLockdown('PairingProhibitedOverThisConnection', { asking: 'to pair' })
  await using lockdown = await openLockdown(phone.dial, { clock: phone.clock, signal })
  const publicKey = bytesOf(await getValue(lockdown, { key: 'DevicePublicKey' }, { signal }))
  const wifiMacAddress = textOf(await getValue(lockdown, { key: 'WiFiAddress' }, { signal }))
  const pem = publicKey === undefined ? undefined : normalisePem(fromUtf8(publicKey))
  if (pem === undefined) throw badFrame('The phone gave no public key to pair with')
  const certificates = await certify(pem, phone.clock.nowMs())
  return { ...certificates, hostId: randomUuid(), systemBuid, ...(wifiMacAddress !== undefined && { wifiMacAddress }) }
}

/** Asks the phone once, with the same draft each time, so that its dialog is for one host. Saves nothing. */
export async function askToPair(phone: Phone, draft: PairRecord, { signal }: WaitOptions): Promise<PairingAnswer> {
  await using lockdown = await openLockdown(phone.dial, { clock: phone.clock, signal })
  const answer = await lockdown.ask(
    {
      Request: 'Pair',
      PairRecord: publicPart(draft),
      PairingOptions: { ExtendedPairingErrors: true },
      ProtocolVersion: '2',
    },
    { signal },
  )
  const error = refusalOf(answer)
  if (error === 'PairingDialogResponsePending') return { state: 'dialog' }
  if (error === 'PasswordProtected') return { state: 'locked' }
  if (error === 'UserDeniedPairing') return { state: 'refused' }
  if (error !== undefined) throw fromLockdown(error, { asking: 'to pair' })
  const escrowBag = bytesOf(answer.EscrowBag)
  if (escrowBag === undefined) return { state: 'paired', record: draft }
  const record = { ...draft, escrowBag: new Secret(Buffer.from(escrowBag).toString('base64')) }
  return { state: 'paired', record }
}

async function certify(publicKeyPem: string, nowMs: number) {
  try {
    return await makeCertificates(publicKeyPem, nowMs)
  } catch (cause) {
    throw badFrame('The phone gave a public key that cannot be used', cause)
  }
}
