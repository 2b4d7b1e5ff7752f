import { tooBig } from './errors.ts'

/** As a `number` where that loses nothing. */
export function wholeFrom(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** Whether the number fits into so many bits, one of them for the sign. */
export function fitsInto(bits: number, value: bigint): boolean {
  return BigInt.asIntN(bits, value) === value
}

/** Throws `plist.too-big` for a number beyond the 128 bits that a property list can hold. */
export function checkWhole(value: bigint): void {
  if (!fitsInto(128, value)) throw tooBig('A whole number does not fit into the 128 bits of a property list')
}
