import { viewOf } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { randomBytes } from '../../base/random.ts'
import type { Id } from '../format/id.ts'
import type { StoredPack } from '../packs/pack-reader.ts'
import type { Repository } from '../repository.ts'
import { messageOf } from './check-findings.ts'
import { choosePacks } from './data-selection.ts'
import { examinePack } from './pack-examination.ts'
import type { VerifiedPacks } from './verified-packs.ts'

/** How much to read back, and where it is noted what was found sound. */
export interface ReadBackOptions {
  /** Half of it is for packs of this run, half for older ones; of each kind the last pack may go beyond. */
  readonly bytesMax: number
  readonly verified: VerifiedPacks
  readonly clock: Clock
  /** Ends the reading; what was read until then is the answer. */
  readonly signal: AbortSignal
}

/** A pack that is not what was stored. */
export interface DamagedSample {
  readonly id: Id
  /** It was stored by this run. */
  readonly isNew: boolean
  readonly sentence: string
}

export interface ReadBackReport {
  readonly packs: number
  readonly bytes: number
  readonly damaged: readonly DamagedSample[]
  /** Why no more was read, where the store failed to answer: that proves nothing of the packs. */
  readonly failure: string | undefined
}

/**
 * Reads a sample of the packs back from the store, whole and blob by blob: of those that were stored just now at random, of the
 * others those first that were not verified for the longest time. Of all new packs it looks whether they are there. Load the index before.
 */
export async function readBack(
  repository: Repository,
  written: ReadonlySet<Id>,
  options: ReadBackOptions,
): Promise<ReadBackReport> {
  const { bytesMax, verified: record, clock, signal } = options
  const report = { packs: 0, bytes: 0, damaged: [] as DamagedSample[], failure: undefined as string | undefined }
  const verified = await record.read()
  try {
    const stored = await Array.fromAsync(repository.backend.list('pack', { signal }))
    const present = new Set(stored.map(({ id }) => id))
    for (const id of written.difference(present)) report.damaged.push({ id, isNew: true, sentence: 'it is missing' })
    for (const id of verified.keys()) if (!present.has(id)) verified.delete(id)
    for (const pack of chooseSample(repository, stored, { written, verified, bytesMax })) {
      const { index } = repository
      const { damage, failure, headerDiffers } = await examinePack(repository, pack, {
        listed: index.blobsOf(pack.id),
        signal,
      })
      if (failure !== undefined) return { ...report, failure: messageOf(failure) }
      report.packs++
      report.bytes += pack.sizeBytes
      const sentence = damage ?? (headerDiffers ? 'its header lists other blobs than the index does' : undefined)
      if (sentence === undefined) verified.set(pack.id, clock.nowMs())
      else report.damaged.push({ id: pack.id, isNew: written.has(pack.id), sentence })
      if (sentence !== undefined) verified.delete(pack.id)
    }
  } catch (error) {
    if (!signal.aborted) report.failure = messageOf(error)
  } finally {
    await record.write(verified)
  }
  return report
}

function chooseSample(
  { index }: Repository,
  stored: readonly StoredPack[],
  { written, verified, bytesMax }: { written: ReadonlySet<Id>; verified: ReadonlyMap<Id, number>; bytesMax: number },
): readonly StoredPack[] {
  const seed = viewOf(randomBytes(4)).getUint32(0)
  const isNew = ({ id }: StoredPack) => written.has(id)
  const isOld = ({ id }: StoredPack) => !written.has(id) && index.hasPack(id)
  const half = bytesMax / 2
  return [
    ...choosePacks(stored.filter(isNew), { kind: 'bytes', bytes: half }, { verified, seed }),
    ...choosePacks(stored.filter(isOld), { kind: 'oldest', bytesMax: half }, { verified, seed }),
  ]
}
