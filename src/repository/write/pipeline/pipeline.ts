import assert from 'node:assert/strict'
import type { Sealer } from '../../format/crypto.ts'
import type { BlobId } from '../../format/id.ts'
import type { BlobType } from '../../indexes/blob-index.ts'
import { type FinishedPack, PackBuilder } from '../../packs/pack.ts'
import type { ResolvedLimits } from '../limits.ts'
import {
  findIn,
  hasRoomFor,
  type Leftover,
  PACK_BYTES,
  PACK_SORTS,
  type PackSort,
  typeOf,
  type UnsavedBlob,
} from './packer.ts'
import { openInlineSeat, type Seat } from './seat.ts'
import { openThreadSeat } from './thread-seat.ts'

export interface PipelineOptions {
  readonly sealer: Sealer
  /** Proves each blob by reading it back before it counts as packed. */
  readonly verify: boolean
  readonly limits: ResolvedLimits
  /** Makes a pack durable; its buffer is used again afterwards. */
  readonly save: (pack: FinishedPack) => Promise<void>
  /** Learns how many bytes some blobs have, sealed. */
  readonly onStored: (bytes: number) => void
  /** Gets the buffers back that were kept with blobs. */
  readonly onSpare: (buffer: Uint8Array<ArrayBuffer>) => void
  /** Learns of every failure; after the first, nothing that was put is certain to be stored. */
  readonly fail: (error: unknown) => void
  /** The module that runs on each thread; ours unless another one is named. */
  readonly thread?: URL | undefined
}

/** A blob at the beginning of a buffer that goes with it. */
export interface BlobInBuffer {
  readonly id: BlobId
  readonly buffer: Uint8Array<ArrayBuffer>
  readonly sizeBytes: number
}

/** Small blobs travel together, with one message for all of them. */
const SLAB_BYTES = 1024 * 1024
const SLAB_BLOB_BYTES_MAX = SLAB_BYTES / 2
const SLAB_BLOBS_MAX = 500

/** What comes first is packed on the caller's thread: that is done before a thread has even started. */
const BYTES_BEFORE_THREADS = 4 * 1024 * 1024

/** Blobs one after the other in a buffer: of a slab, or of a single blob. */
interface Gathering {
  readonly sort: PackSort
  readonly buffer: Uint8Array<ArrayBuffer>
  readonly blobs: { readonly id: BlobId; readonly sizeBytes: number }[]
  filledBytes: number
  /** Where it was sent. */
  seat: Seat | undefined
}

/** A seat, and how many bytes wait before it. */
interface Desk {
  readonly seat: Seat
  waitingBytes: number
}

/**
 * Brings blobs into durable packs. Small ones are collected in slabs; packers on several threads compress, seal and pack them; full
 * packs are saved. Who puts blobs waits for room first, so that a slow disk slows the phone.
 */
export class Pipeline implements AsyncDisposable {
  readonly #options: PipelineOptions
  #inlineDesk: Desk | undefined
  readonly #threadDesks: Desk[] = []
  readonly #slabs = new Map<PackSort, Gathering>()
  readonly #spareSlabs: Uint8Array<ArrayBuffer>[] = []
  /** Where the blobs are that lie in no durable pack yet. */
  readonly #places = {
    data: new Map<BlobId, Gathering | FinishedPack>(),
    tree: new Map<BlobId, Gathering | FinishedPack>(),
  }
  readonly #packing = new Set<Promise<void>>()
  readonly #saving = new Set<Promise<void>>()
  #sentBytes = 0
  #packingBytes = 0
  #savingPacks = 0
  #changed = Promise.withResolvers<void>()

  constructor(options: PipelineOptions) {
    this.#options = options
  }

  has(type: BlobType, id: BlobId): boolean {
    return this.#places[type].has(id)
  }

  /** Whether a blob of that size may be put now. */
  hasRoomFor(sort: PackSort, bytes: number): boolean {
    if (bytes > SLAB_BLOB_BYTES_MAX) return this.#mayPack(bytes)
    const filledBytes = this.#slabs.get(sort)?.filledBytes ?? 0
    return filledBytes + bytes <= SLAB_BYTES || this.#mayPack(filledBytes)
  }

  #mayPack(bytes: number): boolean {
    const { inFlightBytesMax, savingPacksMax } = this.#options.limits
    if (this.#savingPacks >= savingPacksMax) return false
    return this.#packingBytes === 0 || this.#packingBytes + bytes <= inFlightBytesMax
  }

  /** Resolves when there may be more room than now; after a failure perhaps never. */
  async change(): Promise<void> {
    await this.#changed.promise
  }

  /** Takes a blob that is not here yet, and for which there is room. Small ones are copied; the buffers of others are kept. */
  put(sort: PackSort, blob: BlobInBuffer): 'copied' | 'kept' {
    assert(this.hasRoomFor(sort, blob.sizeBytes) && !this.has(typeOf(sort), blob.id))
    if (blob.sizeBytes <= SLAB_BLOB_BYTES_MAX) return this.#putInSlab(sort, blob)
    this.#send(this.#add(gatheringIn(sort, blob.buffer), blob))
    return 'kept'
  }

  #putInSlab(sort: PackSort, blob: BlobInBuffer): 'copied' {
    const slab = this.#slabFor(sort, blob.sizeBytes)
    slab.buffer.set(blob.buffer.subarray(0, blob.sizeBytes), slab.filledBytes)
    this.#add(slab, blob)
    const isDue = slab.filledBytes > SLAB_BLOB_BYTES_MAX || slab.blobs.length >= SLAB_BLOBS_MAX
    if (isDue && this.#mayPack(slab.filledBytes)) this.#send(slab)
    return 'copied'
  }

  #slabFor(sort: PackSort, bytes: number): Gathering {
    const slab = this.#slabs.get(sort)
    if (slab !== undefined && slab.filledBytes + bytes <= SLAB_BYTES) return slab
    if (slab !== undefined) this.#send(slab)
    const fresh = gatheringIn(sort, this.#spareSlabs.pop() ?? new Uint8Array(SLAB_BYTES))
    this.#slabs.set(sort, fresh)
    return fresh
  }

  #add(gathering: Gathering, { id, sizeBytes }: BlobInBuffer): Gathering {
    gathering.blobs.push({ id, sizeBytes })
    gathering.filledBytes += sizeBytes
    this.#places[typeOf(gathering.sort)].set(id, gathering)
    return gathering
  }

  #send(gathering: Gathering): void {
    if (this.#slabs.get(gathering.sort) === gathering) this.#slabs.delete(gathering.sort)
    const { filledBytes } = gathering
    this.#packingBytes += filledBytes
    this.#track(this.#packing, this.#pack(gathering), () => {
      this.#packingBytes -= filledBytes
    })
  }

  async #pack(gathering: Gathering): Promise<void> {
    const { sort, buffer, blobs, filledBytes } = gathering
    const desk = this.#chooseDesk()
    gathering.seat = desk.seat
    this.#sentBytes += filledBytes
    desk.waitingBytes += filledBytes
    const packed = await desk.seat.pack({ sort, buffer: buffer.buffer, blobs })
    desk.waitingBytes -= filledBytes
    this.#options.onStored(packed.storedBytes)
    const spare = new Uint8Array(packed.buffer)
    if (spare.length === SLAB_BYTES) this.#spareSlabs.push(spare)
    else this.#options.onSpare(spare)
  }

  /** The one with the least to do; a thread is started only when the others are busy. */
  #chooseDesk(): Desk {
    const { threads } = this.#options.limits
    if (threads === 0 || this.#sentBytes < BYTES_BEFORE_THREADS) {
      this.#inlineDesk ??= this.#openDesk(openInlineSeat)
      return this.#inlineDesk
    }
    const least = this.#threadDesks.toSorted((left, right) => left.waitingBytes - right.waitingBytes)[0]
    if (least !== undefined && (least.waitingBytes === 0 || this.#threadDesks.length >= threads)) return least
    const desk = this.#openDesk((options) => openThreadSeat(options, this.#options.thread))
    this.#threadDesks.push(desk)
    return desk
  }

  #openDesk(open: typeof openInlineSeat): Desk {
    const { sealer, verify } = this.#options
    const seat: Seat = open({ sealer, verify, onPack: (pack) => this.#startSaving(pack, seat) })
    return { seat, waitingBytes: 0 }
  }

  /** Saves a pack; its buffer goes back to the seat that it came from. */
  #startSaving(pack: FinishedPack, seat?: Seat): void {
    for (const { type, id } of pack.blobs) this.#places[type].set(id, pack)
    const packs = Math.max(1, Math.round(pack.sizeBytes / PACK_BYTES.media))
    this.#savingPacks += packs
    this.#track(this.#saving, this.#save(pack, seat), () => {
      this.#savingPacks -= packs
    })
  }

  async #save(pack: FinishedPack, seat: Seat | undefined): Promise<void> {
    await this.#options.save(pack)
    for (const { type, id } of pack.blobs) this.#places[type].delete(id)
    seat?.reuse(pack.body.buffer)
  }

  #track(tasks: Set<Promise<void>>, work: Promise<void>, ended: () => void): void {
    const task = work.catch(this.#options.fail).then(() => {
      tasks.delete(task)
      ended()
      this.#changed.resolve()
      this.#changed = Promise.withResolvers()
    })
    tasks.add(task)
  }

  /** A blob that lies in no durable pack; undefined if there is no such blob. */
  async find(type: BlobType, id: BlobId): Promise<UnsavedBlob | undefined> {
    for (;;) {
      const place = this.#places[type].get(id)
      if (place === undefined) return undefined
      if ('body' in place) return findIn(place, type, id)
      if (place.seat === undefined) this.#send(place)
      const found = await place.seat?.find(type, id)
      if (found !== undefined) return found
    }
  }

  /** Packs and saves everything that was put; the last packs of all packers are joined. After a failure some of it is not saved. */
  async flush(): Promise<void> {
    for (const slab of [...this.#slabs.values()]) this.#send(slab)
    await Promise.all(this.#packing)
    const leftovers = await Promise.all(this.#seats().map((seat) => seat.takeLeftovers()))
    for (const sort of PACK_SORTS) this.#saveLeftovers(sort, leftovers.flat())
    await Promise.all(this.#saving)
  }

  #seats(): readonly Seat[] {
    return [this.#inlineDesk, ...this.#threadDesks].flatMap((desk) => desk?.seat ?? [])
  }

  /** The first one that has room takes up what the others hold. */
  #saveLeftovers(sort: PackSort, leftovers: readonly Leftover[]): void {
    let builder: PackBuilder | undefined
    for (const leftover of leftovers.filter((each) => each.sort === sort)) {
      if (builder === undefined) {
        builder = new PackBuilder(typeOf(sort), this.#options.sealer, leftover)
        continue
      }
      for (const blob of leftover.blobs) {
        if (!hasRoomFor(builder, blob.length)) {
          this.#startSaving(builder.finish())
          builder = new PackBuilder(typeOf(sort), this.#options.sealer, PACK_BYTES[sort])
        }
        builder.appendSealed(blob, leftover.body.subarray(blob.offset, blob.offset + blob.length))
      }
    }
    if (builder !== undefined) this.#startSaving(builder.finish())
  }

  /** Ends the threads, and waits until nothing is being saved. What was not flushed is dropped. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#seats().map((seat) => seat[Symbol.asyncDispose]()))
    await Promise.all([...this.#packing, ...this.#saving])
  }
}

function gatheringIn(sort: PackSort, buffer: Uint8Array<ArrayBuffer>): Gathering {
  return { sort, buffer, blobs: [], filledBytes: 0, seat: undefined }
}
