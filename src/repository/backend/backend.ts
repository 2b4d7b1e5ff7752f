import type { Id } from '../format/id.ts'
import type { BlobType } from '../indexes/blob-index.ts'

/** The kinds of files that are named by the SHA-256 of their bytes. */
export type HashedKind = 'key' | 'lock' | 'snapshot' | 'index' | 'pack' | 'quarantine'

/** One file of a repository; its config is the only one without an id. */
export type StoredName =
  | { readonly kind: 'config' }
  | {
      readonly kind: HashedKind
      readonly id: Id
      /** What a pack holds, where the caller knows it: packs of trees are kept by caches. It is no part of the name. */
      readonly holds?: BlobType | undefined
    }

/** A file as a listing shows it. */
export interface StoredFileInfo {
  readonly id: Id
  readonly sizeBytes: number
  /** When it was written by the clock of the store, which need not be ours; undefined where the store does not say. */
  readonly modifiedMs?: number | undefined
}

/** A part of a file. */
export interface ByteRange {
  readonly offset: number
  /** At most this many bytes are returned: fewer where the file ends. */
  readonly length: number
}

/** Every call can be aborted. */
export interface BackendOptions {
  /** Aborting leaves nothing half-written visible; the call rejects with the signal's reason. */
  readonly signal: AbortSignal
}

/**
 * Where the files of a repository lie. Failures are `repo.no-space`, `repo.unwritable`, `repo.unreadable` and
 * `repo.storage-failed`; of a server also `repo.unreachable`, `repo.access-denied`, `repo.append-only`, `repo.bad-address`,
 * `repo.untrusted-server` and `repo.clock-wrong`. A missing file is an answer. Every implementation passes `backendConformance`.
 */
export interface Backend {
  /** For messages: where this is, without secrets. */
  readonly location: string
  /** Makes what must exist before the first file is saved. Does nothing to a repository that is there. */
  prepare(options: BackendOptions): Promise<void>
  /**
   * Stores a file, whole or not at all; durable when it resolves. A name that exists already with this size is left as it is,
   * with another size it is `repo.damaged`. The pieces may be reused once the promise is settled.
   */
  save(name: StoredName, pieces: readonly Uint8Array[], options: BackendOptions): Promise<void>
  /** The bytes of a range; undefined when there is no such file. */
  load(name: StoredName, range: ByteRange, options: BackendOptions): Promise<Uint8Array | undefined>
  /** Every file of a kind in no particular order; names that are no ids are skipped. */
  list(kind: HashedKind, options: BackendOptions): AsyncIterable<StoredFileInfo>
  /**
   * False when there was no such file. An index, a snapshot or a key is gone for good when it resolves, also after a power cut.
   * A server that lets nothing be removed refuses also where there is nothing: `repo.append-only`, `repo.access-denied`.
   */
  remove(name: StoredName, options: BackendOptions): Promise<boolean>
  /** Removes what killed runs of this program left half-written before that time. Returns how many files that were. */
  removeLeftovers(beforeMs: number, options: BackendOptions): Promise<number>
  /** How many more bytes this user can store; undefined where nobody can tell, as with most servers. */
  freeBytes(options: BackendOptions): Promise<number | undefined>
}

/** A name as it stands in the repository's folder; packs fan out over 256 folders. Source: docs/protocol/restic-repository.md. */
export function pathOf(name: StoredName): string {
  if (name.kind === 'config') return 'config'
  if (name.kind === 'pack') return `data/${name.id.slice(0, 2)}/${name.id}`
  return `${FOLDERS[name.kind]}/${name.id}`
}

/** The folder of each kind. What was found damaged is put into quarantine: no program reads it. */
export const FOLDERS = {
  key: 'keys',
  lock: 'locks',
  snapshot: 'snapshots',
  index: 'index',
  pack: 'data',
  quarantine: 'quarantine',
} as const
