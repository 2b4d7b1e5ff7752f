import { isIP } from 'node:net'

/** Where a phone's lockdownd answers on the network: an IP address, with its zone where it needs one, and a port. */
export interface WifiAddress {
  readonly host: string
  readonly port: number
}

/** `192.168.1.20:62078`, `[fe80::1%wlan0]:62078` */
export function formatWifiAddress({ host, port }: WifiAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** The address in such a text; undefined when it is none. */
export function parseWifiAddress(text: string): WifiAddress | undefined {
  const [, v6, v4, digits] = /^(?:\[([^\]]+)\]|([\d.]+)):(\d{1,5})$/.exec(text.trim()) ?? []
  const host = v6 ?? v4 ?? ''
  const port = Number(digits)
  return isIP(host) !== 0 && port >= 1 && port <= 65_535 ? { host, port } : undefined
}
