import { isIPv4 } from 'node:net'
import { deviceError } from '../errors.ts'

/** Where phones on Wi-Fi are listened for. */
export interface WifiPlace {
  /** IPv4 addresses of this machine, one per network; left out: all that it has. */
  readonly interfaces?: readonly string[]
  readonly port: number
}

/** Every network of this machine, on mDNS's port. */
export const EVERY_NETWORK: WifiPlace = { port: 5353 }

/**
 * Reads `on`, `off`, or the address of one network of this machine with a port, such as `127.0.0.1:15353`; undefined is off.
 * Throws `device.bad-address`.
 */
export function parseWifiPlace(text: string): WifiPlace | undefined {
  if (text === 'on') return EVERY_NETWORK
  if (text === 'off') return undefined
  const [, address = '', digits] = /^([\d.]+):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (isIPv4(address) && port >= 1 && port <= 65_535) return { interfaces: [address], port }
  throw deviceError('device.bad-address', `${JSON.stringify(text.slice(0, 80))} is no place to look for phones`, {
    remedy: 'Write "on", "off", or the IPv4 address of one of this machine\'s networks and a port: 192.168.1.2:5353',
  })
}
