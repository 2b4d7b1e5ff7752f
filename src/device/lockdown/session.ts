import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { badFrame, wireClosed } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import { numberOf, textOf } from '../../plist/index.ts'
import type { PairRecord } from '../pairing/pair-record.ts'
import { escrowPart } from '../pairing/pair-record.ts'
import type { Dial, Lockdown } from './lockdown.ts'
import { getValue, openLockdown, refusalOf, throwRefusal } from './lockdown.ts'
import { fromStartService } from './lockdown-errors.ts'
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
 * know the record, `device.locked` when the phone has not been unlocked since its restart.
 */
export async function startSession(
  dial: Dial,
  record: PairRecord,
  { clock, signal }: WaitOptions & { readonly clock: Clock },
): Promise<Session> {
  await using stack = new AsyncDisposableStack()
  const lockdown = stack.use(await openLockdown(dial, { clock, signal }))
  const tlsAge = tlsAgeOf(textOf(await getValue(lockdown, { key: 'ProductVersion' }, { signal })))
  const answer = await lockdown.ask(
    { Request: 'StartSession', HostID: record.hostId, SystemBUID: record.systemBuid },
    { signal },
  )
  throwRefusal(answer, 'to start a session')
  if (answer.EnableSessionSSL !== true) throw badFrame('The phone wants to go on without encryption')
  await lockdown.secure((channel, { signal }) => secureChannel(channel, record, { age: tlsAge, signal }), { signal })
  const connection = stack.move()
  return { lockdown, record, tlsAge, [Symbol.asyncDispose]: () => connection.disposeAsync() }
}

/**
 * Asks for a service and connects to it; the caller closes the stream. With `escrowBag` the service may read what the phone
 * protects while it is locked. Ports are for one connection. Whether TLS is used is the phone's word.
 * Throws `device.service-refused`, `device.locked`, `device.too-many-connections`.
 */
export async function startService(
  session: Session,
  service: string,
  { dial, escrowBag, signal }: WaitOptions & { readonly dial: Dial; readonly escrowBag: boolean },
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
  const channel = await dial(port, { signal })
  if (answer.EnableServiceSSL !== true) return channel
  try {
    return await secureChannel(channel, record, { age: tlsAge, signal })
  } catch (error) {
    // The session has just proved the pairing: who hangs up here has left.
    throw isAppError(error, 'device.not-paired')
      ? wireClosed(`The phone left while ${service} was opened`, error)
      : error
  }
}

function tlsAgeOf(productVersion: string | undefined): TlsAge {
  const major = Number.parseInt(productVersion ?? '', 10)
  return major < 10 ? 'legacy' : 'current'
}
