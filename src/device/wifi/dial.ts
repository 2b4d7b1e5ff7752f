import { once } from 'node:events'
import { connect } from 'node:net'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { openChannel } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import { isAppError, isSystemError } from '../../base/errors.ts'
import { deviceError, deviceGone } from '../errors.ts'
import type { Dial } from '../lockdown/lockdown.ts'
import { LOCKDOWN_PORT } from '../lockdown/lockdown.ts'
import { withinTime } from '../time-limit.ts'
import type { WifiAddress } from './wifi-address.ts'
import { formatWifiAddress } from './wifi-address.ts'

/** A phone that is awake takes a connection at once; one that sleeps may need to be woken first. */
const CONNECT_MS_MAX = 5000

/**
 * Connects to the phone's ports directly: lockdownd's where the address says, services' where lockdownd says. Throws
 * `device.gone` when nobody answers, `device.port-closed` when the port is closed. Trying again is the caller's.
 */
export function dialWifi(address: WifiAddress, clock: Clock): Dial {
  return (port, { signal }) => {
    const at = { host: address.host, port: port === LOCKDOWN_PORT ? address.port : port }
    const late = () => deviceGone(`Nobody answered at ${formatWifiAddress(at)} within ${CONNECT_MS_MAX / 1000} s`)
    return withinTime({ ms: CONNECT_MS_MAX, clock, late, signal }, (signal) => connectTcp(at, { signal }))
  }
}

async function connectTcp(address: WifiAddress, { signal }: WaitOptions): Promise<ByteChannel> {
  signal.throwIfAborted()
  const socket = connect({ ...address, noDelay: true })
  try {
    await once(socket, 'connect', { signal })
  } catch (error) {
    socket.destroy()
    signal.throwIfAborted()
    throw isAppError(error) ? error : refused(address, error)
  }
  return openChannel(socket)
}

function refused(address: WifiAddress, cause: unknown): Error {
  const why = isSystemError(cause) ? ` (${cause.code})` : ''
  if (!isSystemError(cause, 'ECONNREFUSED'))
    return deviceGone(`Nobody answers at ${formatWifiAddress(address)}${why}`, cause)
  return deviceError('device.port-closed', `The phone takes no connection at ${formatWifiAddress(address)}${why}`, {
    remedy: 'Unlock the phone and try again; if it stays so, switch its Wi-Fi off and on, or restart it',
    cause,
  })
}
