import type { Plist } from '../../plist/index.ts'
import { badSetting } from '../errors.ts'

export interface Setting {
  /** Empty for the values without a domain. */
  readonly domain: string
  readonly key: string
  readonly value: Plist
}

/**
 * Reads `DOMAIN:KEY=VALUE`. VALUE is `true` or `false`, a whole number, a date as in ISO 8601 (`2026-03-01` or
 * `2026-03-01T20:15:00Z`), and text otherwise. Throws `virtual-phone.bad-setting`.
 */
export function parseSetting(text: string): Setting {
  const [, domain, key, value] = /^([^:=\s]*):([^:=]+)=(.*)$/s.exec(text) ?? []
  if (domain === undefined || key === undefined || value === undefined) throw badSetting(text)
  return { domain, key, value: parseValue(value) }
}

function parseValue(text: string): Plist {
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^-?\d{1,19}$/.test(text)) return parseWhole(text)
  if (/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.test(text)) return parseDate(text)
  return text
}

function parseWhole(digits: string): Plist {
  const whole = BigInt(digits)
  if (BigInt.asIntN(64, whole) !== whole) return digits
  return Number.isSafeInteger(Number(whole)) ? Number(whole) : whole
}

function parseDate(text: string): Plist {
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? text : date
}
