import { viewOf } from '../../base/bytes.ts'

/** Which blobs share packs: what a phone never changes, or what changes from day to day, so that whole packs of it can go. */
export type DataSort = 'media' | 'churn'

/** How a file is cut, and where its blobs go. */
export interface ChunkPolicy {
  readonly sort: DataSort
  /** Every blob but the last has this size; undefined where restic's chunker decides. */
  readonly blobBytes: number | undefined
}

/** With this many bytes of its beginning everything is known about a file. */
export const HEAD_BYTES = 100

/**
 * SQLite changes pages in place, so its files are cut at multiples of their pages: a changed page costs one small blob, where a
 * chunk of restic's size would be stored anew. Source: docs/protocol/restic-repository.md#chunks-of-databases.
 */
export function policyFor(head: Uint8Array): ChunkPolicy {
  const pageBytes = sqlitePageBytes(head)
  if (pageBytes !== undefined)
    return { sort: 'churn', blobBytes: Math.max(pageBytes, sqliteBlobBytes(head, pageBytes)) }
  return { sort: CHURN_MAGICS.some((magic) => beginsWith(head, magic)) ? 'churn' : 'media', blobBytes: undefined }
}

const SQLITE_MAGIC = Buffer.from('SQLite format 3\0')

/** Property lists, and logs that SQLite writes ahead. */
const CHURN_MAGICS = [Buffer.from('bplist'), Buffer.from('<?xml'), Buffer.from('377f06', 'hex')]

/** Larger databases get larger blobs, or their lists of blobs would grow too long. */
const LARGE_DATABASE_BYTES = 1024 * 1024 * 1024
const BLOB_BYTES = 32 * 1024
const LARGE_DATABASE_BLOB_BYTES = 64 * 1024

/** Undefined when it is no SQLite database. */
function sqlitePageBytes(head: Uint8Array): number | undefined {
  if (head.length < HEAD_BYTES || !beginsWith(head, SQLITE_MAGIC)) return undefined
  const stored = viewOf(head).getUint16(16)
  const pageBytes = stored === 1 ? 65_536 : stored
  return pageBytes >= 512 && (pageBytes & (pageBytes - 1)) === 0 ? pageBytes : undefined
}

/** The header counts pages. A count that SQLite would not trust is that of a small database, written long ago. */
function sqliteBlobBytes(head: Uint8Array, pageBytes: number): number {
  const pages = viewOf(head).getUint32(28)
  return pages * pageBytes < LARGE_DATABASE_BYTES ? BLOB_BYTES : LARGE_DATABASE_BLOB_BYTES
}

function beginsWith(bytes: Uint8Array, magic: Uint8Array): boolean {
  return Buffer.compare(bytes.subarray(0, magic.length), magic) === 0
}
