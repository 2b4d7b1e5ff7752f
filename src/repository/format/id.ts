import { hash } from 'node:crypto'

declare const idBrand: unique symbol

/** A SHA-256 as 64 lower-case hexadecimal digits: the name of a stored file, or of a blob's plain content. */
export type Id = string & { readonly [idBrand]: true }

/** The SHA-256 of a blob's plain content. */
export type BlobId = Id

/** The id; undefined when the text is not 64 lower-case hexadecimal digits. */
export function parseId(text: unknown): Id | undefined {
  return typeof text === 'string' && /^[0-9a-f]{64}$/.test(text) ? (text as Id) : undefined
}

/** The id of these bytes. */
export function sha256(bytes: Uint8Array): Id {
  return hash('sha256', bytes) as Id
}

/** The first eight digits, as restic shows ids to people. */
export function shortId(id: Id): string {
  return id.slice(0, 8)
}
