import type { Plist } from '../plist/index.ts'

const TEXT_LENGTH_MAX = 300

/** A text from a phone, fit for an error message: cut, and without characters that could steer a terminal. */
export function printable(text: string): string {
  return text.slice(0, TEXT_LENGTH_MAX).toWellFormed().replace(/\p{C}/gu, '?')
}

/** The same for any value; only texts are shown. */
export function printableValue(value: Plist | undefined): string {
  return typeof value === 'string' ? JSON.stringify(printable(value)) : 'something that is no text'
}
