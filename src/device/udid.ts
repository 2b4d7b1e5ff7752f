import { deviceError } from './errors.ts'

/**
 * A phone's UDID: 40 hex digits, or 8 + 16 with a dash from the iPhone XS on. Some daemons leave the dash out; it is put
 * back. Undefined for anything that could not name a phone, or a file. Source: docs/protocol/usbmux.md.
 */
export function udidOf(text: string | undefined): string | undefined {
  if (text === undefined || !/^[0-9A-Za-z-]{1,64}$/.test(text)) return undefined
  return /^[0-9A-Fa-f]{24}$/.test(text) ? `${text.slice(0, 8)}-${text.slice(8)}` : text
}

/** The same, where there must be one. Throws `device.bad-udid`. */
export function parseUdid(text: string): string {
  const udid = udidOf(text)
  if (udid !== undefined) return udid
  throw deviceError('device.bad-udid', `${JSON.stringify(text.slice(0, 80))} is not the UDID of a phone`, {
    remedy: 'Copy the UDID from the list of connected phones',
  })
}
