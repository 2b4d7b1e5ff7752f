import { fromUtf8, utf8 } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { type AppError, isAppError } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'
import type { Backend, HashedKind, StoredName } from './backend/backend.ts'
import { pathOf } from './backend/backend.ts'
import { damaged, repositoryAbsent, repositoryExists, wrongPassword } from './errors.ts'
import { compressNow, decompress, decompressUnknown } from './format/compression.ts'
import { decodeConfig, encodeConfig, type RepositoryConfig, randomConfig } from './format/config.ts'
import { type MasterKey, randomMasterKey, SEAL_BYTES, Sealer } from './format/crypto.ts'
import { type BlobId, type Id, sha256 } from './format/id.ts'
import { decodeKeyFile, encodeKeyFile, KDF_DEFAULT, type KdfCost } from './format/key.ts'
import { BlobIndex, type BlobLocation, type BlobType, type PackedBlob } from './indexes/blob-index.ts'
import { type LoadedIndex, type LoadIndexOptions, loadIndexFiles } from './indexes/loaded-index.ts'
import { discard } from './memory.ts'

/** Something that can give a blob back. */
export interface BlobSource {
  /** The blob's plain content, proven by its hash. Throws `repo.damaged` if there is no good copy. */
  loadBlob(type: BlobType, id: BlobId, options: { signal: AbortSignal }): Promise<Uint8Array>
}

/** As restic: what lies beyond is never tried. */
export const KEYS_TRIED_MAX = 20
/** A key file has about 450 bytes. */
export const KEY_FILE_BYTES_MAX = 64 * 1024
/** Stored and plain size of the config, a lock or a snapshot. */
const SMALL_FILE_BYTES_MAX = 4 * 1024 * 1024
/** Stored size of an index file; restic's have about 2 MiB. */
const INDEX_FILE_BYTES_MAX = 64 * 1024 * 1024
const INDEX_JSON_BYTES_MAX = 256 * 1024 * 1024
/** restic's chunks have up to 8 MiB; other programs may choose larger ones. */
const DATA_BLOB_BYTES_MAX = 64 * 1024 * 1024
/** A tree blob has about 300 bytes for each name in its folder. */
const TREE_BLOB_BYTES_MAX = 256 * 1024 * 1024

/** Makes an empty repository with one key. Throws `repo.exists` if there is one. */
export async function createRepository(
  backend: Backend,
  {
    password,
    clock,
    signal,
    kdf = KDF_DEFAULT,
  }: { password: Secret; clock: Clock; signal: AbortSignal; kdf?: KdfCost },
): Promise<Repository> {
  if ((await loadWhole(backend, { kind: 'config' }, SMALL_FILE_BYTES_MAX, signal)) !== undefined) {
    throw repositoryExists(backend.location)
  }
  await clearInterrupted(backend, signal)
  const master = randomMasterKey()
  const config = randomConfig()
  await backend.prepare({ signal })
  const label = { createdMs: clock.nowMs(), hostname: 'phonekeep', username: 'phonekeep' }
  const keyFile = await encodeKeyFile(master, { password, cost: kdf, label })
  await backend.save({ kind: 'key', id: sha256(keyFile) }, [keyFile], { signal })
  await backend.save({ kind: 'config' }, [new Sealer(master).seal(utf8(encodeConfig(config)))], { signal })
  return await openRepository(backend, { password, signal })
}

/** Keys and nothing else: the making of a repository was interrupted. Anything more is a repository that has lost its config. */
async function clearInterrupted(backend: Backend, signal: AbortSignal): Promise<void> {
  for (const kind of ['snapshot', 'index', 'pack'] as const) {
    for await (const _file of backend.list(kind, { signal })) throw repositoryExists(backend.location)
  }
  for await (const { id } of backend.list('key', { signal })) await backend.remove({ kind: 'key', id }, { signal })
}

export interface OpenOptions {
  readonly password: Secret
  readonly signal: AbortSignal
  /** Told of a key file that was changed since it was written and yet opens, where no other key does. */
  readonly onDamaged?: ((error: AppError) => void) | undefined
}

/**
 * Opens a repository with any of its passwords; reads its keys and config, nothing else.
 * Throws `repo.absent`, `repo.wrong-password`, `repo.damaged`, `repo.unsupported`.
 */
export async function openRepository(backend: Backend, options: OpenOptions): Promise<Repository> {
  const sealed = await loadWhole(backend, { kind: 'config' }, SMALL_FILE_BYTES_MAX, options.signal)
  if (sealed === undefined) throw await whyNoConfig(backend, options.signal)
  const { id, master } = await findMasterKey(backend, options)
  const sealer = new Sealer(master)
  const config = sealer.open(sealed)
  if (config === undefined) throw damaged('config', 'it was not sealed with the key of this repository')
  return new Repository(backend, sealer, decodeConfig(fromUtf8(config), 'config'), id)
}

/** Keys without a config are what is left of a repository, not an empty folder. */
async function whyNoConfig(backend: Backend, signal: AbortSignal): Promise<Error> {
  for await (const _key of backend.list('key', { signal }))
    return damaged('config', `it is missing in ${backend.location}`)
  return repositoryAbsent(backend.location)
}

/** A master key, and the key file that it was found in. */
interface FoundKey {
  readonly id: Id
  readonly master: MasterKey
}

/** A key file, as it lies there. */
interface KeyFile {
  readonly id: Id
  readonly bytes: Uint8Array
}

async function findMasterKey(backend: Backend, options: OpenOptions): Promise<FoundKey> {
  const { signal } = options
  const misnamed: KeyFile[] = []
  let tried = 0
  let broken: unknown
  for await (const { id } of backend.list('key', { signal })) {
    if (tried++ === KEYS_TRIED_MAX) break
    try {
      const bytes = await loadWhole(backend, { kind: 'key', id }, KEY_FILE_BYTES_MAX, signal)
      if (bytes === undefined) continue
      if (sha256(bytes) !== id) misnamed.push({ id, bytes })
      const master = sha256(bytes) === id ? await tryKey({ id, bytes }, options) : undefined
      if (master !== undefined) return { id, master }
    } catch (error) {
      signal.throwIfAborted()
      broken ??= error
    }
  }
  const found = await tryMisnamed(misnamed, options)
  if (found !== undefined) return found
  if (broken !== undefined) throw broken
  if (misnamed[0] !== undefined) throw notAsNamed(misnamed[0].id)
  if (tried === 0) throw damaged('keys', `there is no key file in ${backend.location}`)
  throw wrongPassword(backend.location)
}

/** What such a file says of itself may have been damaged alone: the master key in it is proven by its own seal. */
async function tryMisnamed(files: readonly KeyFile[], options: OpenOptions): Promise<FoundKey | undefined> {
  for (const { id, bytes } of files) {
    const master = await tryKey({ id, bytes }, options).catch(() => undefined)
    if (master === undefined) continue
    options.onDamaged?.(notAsNamed(id))
    return { id, master }
  }
  return undefined
}

async function tryKey({ id, bytes }: KeyFile, { password }: OpenOptions): Promise<MasterKey | undefined> {
  return await decodeKeyFile(bytes, { password, what: pathOf({ kind: 'key', id }) })
}

function notAsNamed(id: Id): AppError {
  return damaged(pathOf({ kind: 'key', id }), 'its content does not match its name')
}

/** The whole file; undefined if there is none. A file beyond the limit is `repo.damaged`. */
async function loadWhole(
  backend: Backend,
  name: StoredName,
  bytesMax: number,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const bytes = await backend.load(name, { offset: 0, length: bytesMax + 1 }, { signal })
  if (bytes !== undefined && bytes.length > bytesMax) throw damaged(pathOf(name), `it has more than ${bytesMax} bytes`)
  return bytes
}

/** An open repository. It holds no resources of the system: there is nothing to close. */
export class Repository implements BlobSource {
  readonly backend: Backend
  readonly sealer: Sealer
  readonly config: RepositoryConfig
  /** The key file that the password opened; undefined where none was needed. */
  readonly keyId: Id | undefined
  /** Empty until `loadIndex`. */
  index = new BlobIndex()
  /** Packs that another program is about to delete; filled by `loadIndex`. */
  packsToDelete: ReadonlySet<Id> = new Set()
  /** By type and id. */
  readonly #unreadable = new Set<string>()
  #loaded: LoadedIndex | undefined

  constructor(backend: Backend, sealer: Sealer, config: RepositoryConfig, keyId?: Id) {
    this.backend = backend
    this.sealer = sealer
    this.config = config
    this.keyId = keyId
  }

  get id(): Id {
    return this.config.id
  }

  /** Reads the index files into `index`; those that it holds already are not read again. */
  async loadIndex(options: LoadIndexOptions): Promise<void> {
    const before = this.#loaded?.index === this.index ? this.#loaded : undefined
    this.#loaded = await loadIndexFiles(this, before, options)
    this.index = this.#loaded.index
    this.packsToDelete = this.#loaded.packsToDelete
  }

  async loadBlob(type: BlobType, id: BlobId, { signal }: { signal: AbortSignal }): Promise<Uint8Array> {
    const copies = this.index.findAll(type, id)
    let failure: unknown
    for (const copy of copies) {
      try {
        return await this.loadCopy(copy, { signal })
      } catch (error) {
        signal.throwIfAborted()
        failure ??= error
      }
    }
    if (isAppError(failure, 'repo.damaged')) this.#unreadable.add(`${type} ${id}`)
    throw failure ?? damaged(`The ${type} blob ${id}`, 'no index lists it')
  }

  /** True for a blob that was asked for, and of which no copy could be read: it is to be stored anew when it comes up again. */
  isUnreadable(type: BlobType, id: BlobId): boolean {
    return this.#unreadable.size > 0 && this.#unreadable.has(`${type} ${id}`)
  }

  /** Lists a pack that is durable; what was unreadable elsewhere and is in it can be read from now on. */
  addPack(packId: Id, blobs: readonly PackedBlob[]): void {
    this.index.addPack(packId, blobs)
    if (this.#unreadable.size === 0) return
    for (const { type, id } of blobs) this.#unreadable.delete(`${type} ${id}`)
  }

  /** The plain content of one copy of a blob, proven by its hash. Throws `repo.damaged`. */
  async loadCopy(copy: BlobLocation, { signal }: { signal: AbortSignal }): Promise<Uint8Array> {
    const range = { offset: copy.offset, length: Math.min(copy.length, sealedBytesMax(copy.type) + 1) }
    const sealed = await this.backend.load({ kind: 'pack', id: copy.packId, holds: copy.type }, range, { signal })
    if (sealed === undefined) throw damaged(`The pack ${copy.packId}`, 'it is listed in an index, but it is missing')
    return await openBlob(this.sealer, copy, sealed)
  }

  /** The JSON of an index, lock or snapshot file; undefined if there is none. Throws `repo.damaged` if it is not what its name says. */
  async loadUnpacked(kind: HashedKind, id: Id, { signal }: { signal: AbortSignal }): Promise<string | undefined> {
    const name: StoredName = { kind, id }
    const bytesMax = kind === 'index' ? INDEX_FILE_BYTES_MAX : SMALL_FILE_BYTES_MAX
    const sealed = await loadWhole(this.backend, name, bytesMax, signal)
    if (sealed === undefined) return undefined
    if (sha256(sealed) !== id) throw damaged(pathOf(name), 'its content does not match its name')
    const plain = this.sealer.open(sealed)
    if (plain === undefined) throw damaged(pathOf(name), 'it was not sealed with the key of this repository')
    return await decodeUnpacked(plain, pathOf(name), kind === 'index' ? INDEX_JSON_BYTES_MAX : SMALL_FILE_BYTES_MAX)
  }

  /** Seals a text the way `saveUnpacked` stores it; the id is known before anything is written. */
  sealUnpacked(json: string): { readonly id: Id; readonly sealed: Uint8Array } {
    const sealed = this.sealer.seal(Buffer.concat([Uint8Array.of(COMPRESSED_FORMAT), compressNow(utf8(json))]))
    return { id: sha256(sealed), sealed }
  }

  /** Stores the JSON of an index, lock or snapshot file, durably. */
  async saveUnpacked(kind: HashedKind, json: string, { signal }: { signal: AbortSignal }): Promise<Id> {
    const { id, sealed } = this.sealUnpacked(json)
    await this.backend.save({ kind, id }, [sealed], { signal })
    return id
  }
}

/** The first byte of a compressed file; `{` or `[` is JSON as it is. Source: docs/protocol/restic-repository.md#unpacked. */
const COMPRESSED_FORMAT = 2

async function decodeUnpacked(plain: Uint8Array, what: string, bytesMax: number): Promise<string> {
  if (plain[0] === 0x7b || plain[0] === 0x5b) return fromUtf8(plain)
  if (plain[0] !== COMPRESSED_FORMAT) throw damaged(what, 'it is neither JSON nor compressed JSON')
  try {
    return fromUtf8(await decompressUnknown(plain.subarray(1), bytesMax))
  } catch (cause) {
    throw damaged(what, 'it cannot be decompressed', cause)
  }
}

/** The plain content of a blob's sealed bytes. Throws `repo.damaged` unless it is exactly the blob that was asked for. */
export async function openBlob(sealer: Sealer, blob: PackedBlob, sealed: Uint8Array): Promise<Uint8Array> {
  const what = `The ${blob.type} blob ${blob.id}`
  const bytesMax = blobBytesMax(blob.type)
  if (sealed.length !== blob.length) throw damaged(what, `it has ${sealed.length} of ${blob.length} bytes`)
  if (blob.uncompressedLength > bytesMax) throw damaged(what, `it is larger than ${bytesMax} bytes`)
  const opened = sealer.open(sealed)
  if (opened === undefined) throw damaged(what, 'its bytes were changed')
  const plain = blob.uncompressedLength === 0 ? opened : await unframe(opened, blob.uncompressedLength, what)
  if (plain !== opened) discard(opened)
  if (sha256(plain) !== blob.id) throw damaged(what, 'its content is not what its id says')
  return plain
}

async function unframe(frame: Uint8Array, plainBytes: number, what: string): Promise<Uint8Array> {
  try {
    return await decompress(frame, plainBytes)
  } catch (cause) {
    throw damaged(what, 'it cannot be decompressed', cause)
  }
}

/** The plain size beyond which a blob is refused. */
export function blobBytesMax(type: BlobType): number {
  return type === 'tree' ? TREE_BLOB_BYTES_MAX : DATA_BLOB_BYTES_MAX
}

function sealedBytesMax(type: BlobType): number {
  return Math.ceil(blobBytesMax(type) * 1.01) + SEAL_BYTES + 1024
}
