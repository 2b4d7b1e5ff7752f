import { deviceError } from '../errors.ts'

/** Where usbmuxd listens: a Unix socket, or a TCP port. */
export type MuxAddress =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }

/** Linux and macOS. Source: docs/protocol/usbmux.md. */
export const DEFAULT_MUX_ADDRESS: MuxAddress = { kind: 'socket', path: '/var/run/usbmuxd' }

/**
 * Reads every form that other tools take in USBMUXD_SOCKET_ADDRESS: `UNIX:/path`, `/path`, `host:port`, `[v6]:port`, and any
 * of them behind `scheme://`. Throws `device.bad-address`. Source: docs/protocol/usbmux.md.
 */
export function parseMuxAddress(text: string): MuxAddress {
  const plain = text.trim().replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
  const path = plain.replace(/^unix:/i, '')
  if (path.startsWith('/') && !path.includes('\0')) return { kind: 'socket', path }
  const [, v6, name, digits] = /^(?:\[([0-9a-f:.%\w]+)\]|([^:[\]/\s]+)):(\d{1,5})$/i.exec(plain) ?? []
  const host = v6 ?? name
  const port = Number(digits)
  if (host !== undefined && port >= 1 && port <= 65_535) return { kind: 'tcp', host, port }
  throw deviceError('device.bad-address', `${JSON.stringify(text)} is not an address of usbmuxd`, {
    remedy: 'Write a path such as /var/run/usbmuxd, or host:port such as 127.0.0.1:27015',
  })
}

/** The address as a person would write it. */
export function formatMuxAddress(address: MuxAddress): string {
  if (address.kind === 'socket') return address.path
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}
