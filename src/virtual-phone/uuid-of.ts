import { hash } from 'node:crypto'

/** A UUID that is made up, upper-case as Apple's are: always the same for the same text. */
export function uuidOf(text: string): string {
  const hex = hash('sha1', text).toUpperCase()
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}
