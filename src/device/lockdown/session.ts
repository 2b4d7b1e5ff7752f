import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { badFrame, wireClosed } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import { numberOf, textOf } from '../../plist/index.ts'
import { deviceError } from '../errors.ts'
import type { PairRecord } from '../pairing/pair-record.ts'
import { escrowPart } from '../pairing/pair-record.ts'
import type { Dial, Lockdown } from './lockdown.ts'
import { openLockdown, refusalOf } from './lockdown.ts'
import { fromStartService, fromStartSession } from './lockdown-errors.ts'
import type { TlsAge } from './tls.ts'
import { secureChannel } from './tls.ts'

/** A lockdown conversation that the phone trusts, inside TLS. Keep it short; disposing ends it. */
export interface Session extends AsyncDisposable {
  readonly lockdown: Lockdown
  readonly record: PairRecord
  readonly tlsAge: TlsAge
}

/**
 * Connects, identifies this host with its pair record, and starts TLS. Throws `device.not-paired` when the phone does not
 * know the record, `device.not-unlocked` when the phone has not been unlocked since its restart.
 */
export async function startSession(
  dial: Dial,
  record: PairRecord,
  { clock, signal }: WaitOptions & { readonly clock: Clock },
): Promise<Session> {
  await using stack = new AsyncDisposableStack()
  const lockdown = stack.use(await openLockdown(dial, { clock, signal }))
  // Over Wi-Fi a phone may keep its values to itself until there is a session.
  const { Value: version } = await lockdown.ask({ Request: 'GetValue', Key: 'ProductVersion' }, { signal })
  const tlsAge = tlsAgeOf(textOf(version))
  const answer = await lockdown.ask(
    { Request: 'StartSession', HostID: record.hostId, SystemBUID: record.systemBuid },
    { signal },
  )
  const error = refusalOf(answer)
  if (error !== undefined) throw fromStartSession(error)
  if (answer.EnableSessionSSL !== true) throw badFrame('The phone wants to go on without encryption')
  await lockdown.secure((channel, { signal }) => secureChannel(channel, record, { age: tlsAge, signal }), { signal })
  const connection = stack.move()
  return { lockdown, record, tlsAge, [Symbol.asyncDispose]: () => connection.disposeAsync() }
}

/**
 * Asks for a service and connects to it; the caller closes the stream. With `escrowBag` the service may read what the phone
 * protects while it is locked. Ports are for one connection. Whether TLS is used is the phone's word, but with `isTlsNeeded` a
 * service without is not used: on a network anybody could stand in for it.
 * Throws `device.service-refused`, `device.locked`, `device.not-unlocked`, `device.too-many-connections`, `device.service-unprotected`.
 */
export async function startService(
  session: Session,
  service: string,
  {
    dial,
    escrowBag,
    isTlsNeeded,
    signal,
  }: WaitOptions & { readonly dial: Dial; readonly escrowBag: boolean; readonly isTlsNeeded: boolean },
): Promise<ByteChannel> {
  const { lockdown, record, tlsAge } = session
  const escrow = escrowBag ? escrowPart(record) : {}
  const answer = await lockdown.ask({ Request: 'StartService', Service: service, ...escrow }, { signal })
  const error = refusalOf(answer)
  if (error !== undefined) throw fromStartService(error, service)
  const port = numberOf(answer.Port)
  if (port === undefined || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw badFrame(`The phone opened ${service} on no port`)
  }
  const hasTls = answer.EnableServiceSSL === true
  if (isTlsNeeded && !hasTls) throw unprotected(service)
  const channel = await dial(port, { signal })
  if (!hasTls) return channel
  try {
    return await secureChannel(channel, record, { age: tlsAge, signal })
  } catch (error) {
    // The session has just proved the pairing: who hangs up here has left.
    throw isAppError(error, 'device.not-paired')
      ? wireClosed(`The phone left while ${service} was opened`, error)
      : error
  }
}

function unprotected(service: string): Error {
  return deviceError('device.service-unprotected', `The phone offers ${service} without encryption`, {
    remedy: 'Connect this phone with a cable: with its version of iOS it cannot be told from an impostor on Wi-Fi',
  })
}

function tlsAgeOf(productVersion: string | undefined): TlsAge {
  const major = Number.parseInt(productVersion ?? '', 10)
  return major < 10 ? 'legacy' : 'current'
}
