import { utf8 } from '../../base/bytes.ts'
import { pathOf } from '../backend/backend.ts'
import { damaged } from '../errors.ts'
import { type Id, sha256 } from '../format/id.ts'
import { fieldsOf, isObject, parseJson } from '../format/json.ts'
import type { Repository } from '../repository.ts'
import { encodeIndexFile, type IndexedPack } from './index-file.ts'

/** What the index shall list. */
export interface IndexChange {
  /** Packs that it shall not list any more. */
  readonly gone: ReadonlySet<Id>
  /** Packs that are durable and shall be listed from now on. */
  readonly added: readonly IndexedPack[]
  /** Index files that are left out of account as if they were not there: they cannot be read. */
  readonly unreadable?: ReadonlySet<Id>
}

/** As restic: an index file is full at this number of blobs. */
const BLOBS_MAX = 50_000
/** Smaller files, about a tenth of a full one, are put together: each costs every later reader a request. */
const SMALL_BYTES_MAX = 200 * 1024

/**
 * Writes the index files that change anew, durably, and resolves with those that they replace, which are all still there: until
 * they are removed, both are right. A file that nothing happens to is left alone. What other programs have written beside the
 * packs and blobs that we know is kept, and so are packs that they have marked for deletion.
 * Throws `repo.damaged` when an index file cannot be read.
 */
export async function rewriteIndex(
  repository: Repository,
  { gone, added, unreadable = new Set() }: IndexChange,
  { signal }: { signal: AbortSignal },
): Promise<readonly Id[]> {
  const present = await Array.fromAsync(repository.backend.list('index', { signal }))
  const files = present.filter(({ id }) => !unreadable.has(id))
  const smallCount = files.filter(({ sizeBytes }) => sizeBytes < SMALL_BYTES_MAX).length + (added.length > 0 ? 1 : 0)
  const output = new IndexOutput(repository, signal)
  const listed = new Map<Id, Id>()
  const replaced: Id[] = []
  // The large ones first: of a pack that is listed twice the small file changes. Where the two differ nobody knows which is right.
  for (const { id, sizeBytes } of files.sort((left, right) => right.sizeBytes - left.sizeBytes)) {
    const file = await readRawIndex(repository, id, signal)
    const kept = file.packs.filter((pack) => !gone.has(pack.id) && listed.get(pack.id) !== pack.contentHash)
    for (const pack of kept) listed.set(pack.id, pack.contentHash)
    const isJoined = sizeBytes < SMALL_BYTES_MAX && smallCount > 1 && isUnderstood(file)
    if (kept.length === file.packs.length && !isJoined) continue
    replaced.push(id)
    await output.take({ ...file, packs: kept })
  }
  await output.take({ packs: added.map(toRaw), marked: [], rest: {} })
  await output.flush()
  return replaced
}

/** A pack as an index file lists it, with whatever else its writer says of it. */
interface RawPack {
  readonly id: Id
  readonly blobCount: number
  /** The same for packs that are listed with the same blobs. */
  readonly contentHash: Id
  readonly pack: unknown
}

/** An index file as it stands. */
interface RawIndex {
  readonly packs: readonly RawPack[]
  /** Other programs' marks for deletion. */
  readonly marked: readonly unknown[]
  /** What else there is. */
  readonly rest: Readonly<Record<string, unknown>>
}

/** `supersedes` named index files that are long gone, and no program heeds it any more: it is not written again. */
const UNDERSTOOD: ReadonlySet<string> = new Set(['packs', 'packs_to_delete', 'supersedes'])

async function readRawIndex(repository: Repository, id: Id, signal: AbortSignal): Promise<RawIndex> {
  const what = pathOf({ kind: 'index', id })
  const text = await repository.loadUnpacked('index', id, { signal })
  if (text === undefined) throw damaged(what, 'it vanished while the index was rewritten')
  const file = parseJson(text, what)
  if (!isObject(file)) throw damaged(what, 'it is no JSON object')
  const fields = fieldsOf(file, what)
  const rest = Object.entries(file).filter(([key]) => !UNDERSTOOD.has(key))
  return {
    packs: fields.list('packs').map((pack) => rawPackOf(pack, what)),
    marked: fields.optional('packs_to_delete', (from) => from.list('packs_to_delete')) ?? [],
    rest: Object.fromEntries(rest),
  }
}

function rawPackOf(pack: unknown, what: string): RawPack {
  const fields = fieldsOf(pack, `${what}, a pack`)
  const blobs = fields.list('blobs')
  return { id: fields.id('id'), blobCount: blobs.length, contentHash: sha256(utf8(JSON.stringify(blobs))), pack }
}

function toRaw(pack: IndexedPack): RawPack {
  return rawPackOf(fieldsOf(JSON.parse(encodeIndexFile([pack])), 'A new index').list('packs')[0], 'A new index')
}

function isUnderstood({ rest }: RawIndex): boolean {
  return Object.keys(rest).length === 0
}

/** Collects packs into index files, and saves each once it is full. */
class IndexOutput {
  readonly #repository: Repository
  readonly #signal: AbortSignal
  #packs: unknown[] = []
  #marked: unknown[] = []
  #blobs = 0

  constructor(repository: Repository, signal: AbortSignal) {
    this.#repository = repository
    this.#signal = signal
  }

  /** A file that says more than we understand is not mixed with others. */
  async take(file: RawIndex): Promise<void> {
    const { packs, marked, rest } = file
    if (!isUnderstood(file)) return await this.#save({ packs: packs.map(({ pack }) => pack), marked, rest })
    this.#marked.push(...marked)
    for (const { pack, blobCount } of packs) {
      if (this.#blobs > 0 && this.#blobs + blobCount > BLOBS_MAX) await this.flush()
      this.#packs.push(pack)
      this.#blobs += blobCount
    }
  }

  async flush(): Promise<void> {
    await this.#save({ packs: this.#packs, marked: this.#marked, rest: {} })
    this.#packs = []
    this.#marked = []
    this.#blobs = 0
  }

  async #save({ packs, marked, rest }: { packs: unknown[]; marked: readonly unknown[]; rest: object }): Promise<void> {
    if (packs.length + marked.length === 0) return
    const file = { packs, ...(marked.length > 0 && { packs_to_delete: marked }), ...rest }
    await this.#repository.saveUnpacked('index', `${JSON.stringify(file)}\n`, { signal: this.#signal })
  }
}
