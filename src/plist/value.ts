/**
 * A property list value. Whole numbers are `number` where that is exact (below 2^53), else `bigint`; a `number` that has a
 * fraction or is larger is written as a real. Dictionaries that were read have no prototype, so no key can reach one.
 */
export type Plist =
  | string
  | number
  | bigint
  | boolean
  | Date
  | Uint8Array
  | PlistReal
  | PlistUid
  | readonly Plist[]
  | PlistDict

export interface PlistDict {
  readonly [key: string]: Plist
}

/** A floating-point number, kept apart from whole numbers: Apple's protocols tell 2 and 2.0 apart. */
export class PlistReal {
  readonly kind = 'real'
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** A reference into a keyed archive's `$objects`, 0 to 2^32 - 1; binary plists have a type of their own for it. */
export class PlistUid {
  readonly kind = 'uid'
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** The value as a dictionary; undefined if it is anything else. So do the others below for their types. */
export function dictOf(value: Plist | undefined): PlistDict | undefined {
  if (typeof value !== 'object' || isPlistArray(value)) return undefined
  if (value instanceof Uint8Array || value instanceof Date) return undefined
  return value instanceof PlistReal || value instanceof PlistUid ? undefined : value
}

export function arrayOf(value: Plist | undefined): readonly Plist[] | undefined {
  return isPlistArray(value) ? value : undefined
}

export function textOf(value: Plist | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function boolOf(value: Plist | undefined): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

export function bytesOf(value: Plist | undefined): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined
}

export function dateOf(value: Plist | undefined): Date | undefined {
  return value instanceof Date ? value : undefined
}

export function uidOf(value: Plist | undefined): number | undefined {
  return value instanceof PlistUid ? value.value : undefined
}

/** Any kind of number as a JavaScript number; beyond 2^53 the nearest one. */
export function numberOf(value: Plist | undefined): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  return value instanceof PlistReal ? value.value : undefined
}

/**
 * A whole number that is meant to be signed, such as a status code or a current: 2^63 to 2^64 - 1 become the negative
 * numbers whose 64 bits they are, since several writers know unsigned numbers only. Beyond 2^53 the nearest one.
 * Source: docs/protocol/property-lists.md#negative-numbers
 */
export function signedOf(value: Plist | undefined): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? value : undefined
  if (typeof value !== 'bigint') return undefined
  return Number(value >= 2n ** 63n && value < 2n ** 64n ? value - 2n ** 64n : value)
}

/** `Array.isArray` for this union: it does not narrow to a readonly array by itself. */
export function isPlistArray(value: Plist | undefined): value is readonly Plist[] {
  return Array.isArray(value)
}
