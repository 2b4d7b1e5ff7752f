import { createHash } from 'node:crypto'
import { isAppError } from '../../base/errors.ts'
import { damaged } from '../errors.ts'
import type { PackedBlob } from '../indexes/blob-index.ts'
import { PackReader, readHeader, type StoredPack } from '../packs/pack-reader.ts'
import { blobBytesMax, openBlob, type Repository } from '../repository.ts'

/** What a pack is like, byte by byte. */
export interface PackExamination {
  /** What is wrong with its bytes, for a person; undefined for a pack that is what its name says and can be read throughout. */
  readonly damage: string | undefined
  /** The blobs that cannot be read, of those that its header lists and those that the index lists. */
  readonly unreadable: readonly PackedBlob[]
  /** The header can be read, but it lists other blobs than the index does. */
  readonly headerDiffers: boolean
  /** The first failure to read that proves nothing of the pack: of a disk or a server. */
  readonly failure: unknown
}

interface ExamineOptions {
  /** What the index says is in it; none for a pack that no index lists. */
  readonly listed: readonly PackedBlob[]
  readonly signal: AbortSignal
  /** Called with every blob that can be read, and its plain content. */
  readonly onBlob?: (blob: PackedBlob, plain: Uint8Array) => Promise<void>
}

/**
 * Reads a whole pack, whatever is wrong with it: its name against its SHA-256, its header against the index, and every blob of
 * either. Takes the memory of a 4 MiB window and one blob. Rejects only when aborted, and with what `onBlob` rejects with.
 */
export async function examinePack(
  repository: Repository,
  pack: StoredPack,
  options: ExamineOptions,
): Promise<PackExamination> {
  return await new Examination(repository, pack, options).run()
}

/** How much of what lies between blobs is read at one time. */
const GAP_STEP_BYTES = 4 * 1024 * 1024

class Examination {
  readonly #repository: Repository
  readonly #pack: StoredPack
  readonly #options: ExamineOptions
  readonly #reader: PackReader
  readonly #hash = createHash('sha256')
  #hashedBytes = 0
  #failure: unknown

  constructor(repository: Repository, pack: StoredPack, options: ExamineOptions) {
    this.#repository = repository
    this.#pack = pack
    this.#options = options
    this.#reader = new PackReader(repository, pack, options.signal)
  }

  async run(): Promise<PackExamination> {
    const { listed } = this.#options
    const header = await this.#try(() => readHeader(this.#repository, this.#reader, this.#pack))
    const all = union(header ?? [], listed)
    const isListedSo = all.length === header?.length && all.length === listed.length
    const headerDiffers = header !== undefined && listed.length > 0 && !isListedSo
    const unreadable: PackedBlob[] = []
    for (const blob of all) if (!(await this.#look(blob))) unreadable.push(blob)
    const isAsNamed = (await this.#try(() => this.#hashTo(this.#pack.sizeBytes))) !== undefined && this.#isAsNamed()
    const saw = [
      ...(header === undefined ? ['its header cannot be read'] : []),
      ...(unreadable.length > 0 ? [`${unreadable.length} of ${all.length} blobs cannot be read`] : []),
      ...(isAsNamed ? [] : ['its content does not match its name']),
    ]
    return { damage: saw.join('; ') || undefined, unreadable, headerDiffers, failure: this.#failure }
  }

  /** True for a blob that is what it should be. */
  async #look(blob: PackedBlob): Promise<boolean> {
    const plain = await this.#try(async () => {
      if (blob.length > 2 * blobBytesMax(blob.type)) throw damaged(`The blob ${blob.id}`, 'it is impossibly large')
      return await openBlob(this.#repository.sealer, blob, await this.#read(blob))
    })
    if (plain === undefined) return false
    await this.#options.onBlob?.(blob, plain)
    return true
  }

  /** The blob's bytes, which are hashed on the way: normally blobs lie one after the other. */
  async #read({ offset, length }: PackedBlob): Promise<Uint8Array> {
    if (offset + length > this.#pack.sizeBytes) throw damaged(`The pack ${this.#pack.id}`, 'it was cut off')
    await this.#hashTo(offset)
    const sealed = await this.#reader.read(offset, length)
    if (offset === this.#hashedBytes) {
      this.#hash.update(sealed)
      this.#hashedBytes += length
    }
    return sealed
  }

  async #hashTo(end: number): Promise<true> {
    while (this.#hashedBytes < end) {
      const bytes = await this.#reader.read(this.#hashedBytes, Math.min(GAP_STEP_BYTES, end - this.#hashedBytes))
      this.#hash.update(bytes)
      this.#hashedBytes += bytes.length
    }
    return true
  }

  #isAsNamed(): boolean {
    return this.#hash.digest('hex') === this.#pack.id
  }

  /** Undefined where something cannot be read. */
  async #try<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work()
    } catch (error) {
      this.#options.signal.throwIfAborted()
      if (!isAppError(error, 'repo.damaged')) this.#failure ??= error
      return undefined
    }
  }
}

/** The blobs of both lists, each once, in the order of their offsets. */
function union(left: readonly PackedBlob[], right: readonly PackedBlob[]): readonly PackedBlob[] {
  const blobs = new Map([...left, ...right].map((blob) => [keyOf(blob), blob]))
  return [...blobs.values()].sort((one, other) => one.offset - other.offset)
}

function keyOf({ type, id, offset, length, uncompressedLength }: PackedBlob): string {
  return `${type} ${id} ${offset} ${length} ${uncompressedLength}`
}
