import { createHash } from 'node:crypto'
import { viewOf } from '../../base/bytes.ts'
import { damaged } from '../errors.ts'
import type { Id } from '../format/id.ts'
import type { PackedBlob } from '../indexes/blob-index.ts'
import { blobBytesMax, openBlob, type Repository } from '../repository.ts'
import { decodeHeader, HEADER_BYTES_MAX, TRAILER_BYTES } from './pack.ts'

/** A pack as the backend lists it. */
export interface StoredPack {
  readonly id: Id
  readonly sizeBytes: number
}

interface SignalOption {
  readonly signal: AbortSignal
}

/**
 * Reads a whole pack: its name against its SHA-256, its header, and every blob. Resolves with what the header lists; throws
 * `repo.damaged` with the first thing that is wrong.
 */
export async function verifyPack(
  repository: Repository,
  pack: StoredPack,
  { signal }: SignalOption,
): Promise<readonly PackedBlob[]> {
  const reader = new PackReader(repository, pack, signal)
  const blobs = await readHeader(repository, reader, pack)
  const hash = createHash('sha256')
  for (const blob of blobs) {
    if (blob.length > blobBytesMax(blob.type) * 2)
      throw damaged(nameOf(pack), `the blob ${blob.id} is impossibly large`)
    const sealed = await reader.read(blob.offset, blob.length)
    hash.update(sealed)
    await openBlob(repository.sealer, blob, sealed)
  }
  const end = blobs.reduce((sum, blob) => sum + blob.length, 0)
  hash.update(await reader.read(end, pack.sizeBytes - end))
  if (hash.digest('hex') !== pack.id) throw damaged(nameOf(pack), 'its content does not match its name')
  return blobs
}

/** Reads what a pack's header lists, in the order in which it lies there. Throws `repo.damaged`. */
export async function readHeader(
  repository: Repository,
  reader: PackReader,
  pack: StoredPack,
): Promise<readonly PackedBlob[]> {
  if (pack.sizeBytes < TRAILER_BYTES) throw damaged(nameOf(pack), 'it is too short')
  const headerBytes = viewOf(await reader.read(pack.sizeBytes - TRAILER_BYTES, TRAILER_BYTES)).getUint32(0, true)
  const blobsEnd = pack.sizeBytes - TRAILER_BYTES - headerBytes
  if (headerBytes > HEADER_BYTES_MAX || blobsEnd < 0) throw damaged(nameOf(pack), 'its header has an impossible length')
  const header = repository.sealer.open(await reader.read(blobsEnd, headerBytes))
  const blobs = header && decodeHeader(header)
  if (blobs === undefined) throw damaged(nameOf(pack), 'its header cannot be read')
  if (blobs.reduce((sum, blob) => sum + blob.length, 0) !== blobsEnd) throw damaged(nameOf(pack), 'its header has gaps')
  return blobs
}

const WINDOW_BYTES = 4 * 1024 * 1024

/** Reads ranges of one pack; neighbouring small ones come from one read ahead. */
export class PackReader {
  readonly #repository: Repository
  readonly #pack: Pick<StoredPack, 'id'>
  readonly #signal: AbortSignal
  #window: Uint8Array = new Uint8Array(0)
  #windowOffset = 0

  constructor(repository: Repository, pack: Pick<StoredPack, 'id'>, signal: AbortSignal) {
    this.#repository = repository
    this.#pack = pack
    this.#signal = signal
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const end = this.#windowOffset + this.#window.length
    if (offset < this.#windowOffset || offset + length > end) await this.#load(offset, Math.max(length, WINDOW_BYTES))
    const from = offset - this.#windowOffset
    const bytes = this.#window.subarray(from, from + length)
    if (bytes.length < length) throw damaged(nameOf(this.#pack), 'it is shorter than it was when it was listed')
    return bytes
  }

  async #load(offset: number, length: number): Promise<void> {
    const name = { kind: 'pack', id: this.#pack.id } as const
    const bytes = await this.#repository.backend.load(name, { offset, length }, { signal: this.#signal })
    if (bytes === undefined) throw damaged(nameOf(this.#pack), 'it is missing')
    this.#window = bytes
    this.#windowOffset = offset
  }
}

function nameOf(pack: Pick<StoredPack, 'id'>): string {
  return `The pack ${pack.id}`
}
