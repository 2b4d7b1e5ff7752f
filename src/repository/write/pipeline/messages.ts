import type { MasterKey } from '../../format/crypto.ts'
import type { BlobId } from '../../format/id.ts'
import type { BlobType } from '../../indexes/blob-index.ts'
import type { FinishedPack } from '../../packs/pack.ts'
import type { Leftover, UnsavedBlob } from './packer.ts'
import type { Batch, PackedBatch } from './seat.ts'

/** What a thread is started with. */
export interface ThreadData {
  readonly key: MasterKey
  readonly verify: boolean
}

/** To a thread. All but `reuse` are answered, in order. */
export type Request =
  | { readonly ask: 'pack'; readonly batch: Batch }
  | { readonly ask: 'find'; readonly type: BlobType; readonly id: BlobId }
  | { readonly ask: 'leftovers' }
  | { readonly ask: 'reuse'; readonly buffer: ArrayBuffer }

/** The answer to each request. */
export interface Answers {
  readonly pack: PackedBatch
  readonly find: UnsavedBlob | undefined
  readonly leftovers: readonly Leftover[]
}

/** From a thread. A pack comes before the answer to the request that closed it. */
export type Reply =
  | { readonly kind: 'answer'; readonly answer: Answers[keyof Answers] }
  | { readonly kind: 'pack'; readonly pack: FinishedPack }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly remedy: string }
