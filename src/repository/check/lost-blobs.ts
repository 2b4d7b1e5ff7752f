import { pathOf } from '../backend/backend.ts'
import type { BlobId } from '../format/id.ts'
import type { BlobLocation, BlobType, PackedBlob } from '../indexes/blob-index.ts'
import { BlobMarks } from '../indexes/blob-marks.ts'
import type { PackSurvey } from './pack-survey.ts'

/**
 * The blobs that cannot be had: no index file lists them, their packs are gone or cut off, or they were found to be unreadable
 * in every copy. One bit of memory a blob, on top of the survey.
 */
export class LostBlobs {
  readonly #survey: PackSurvey
  readonly #unreadable: BlobMarks
  /** Without one, whatever is listed is there. */
  readonly #hasBrokenPacks: boolean

  constructor(survey: PackSurvey) {
    this.#survey = survey
    this.#unreadable = new BlobMarks(survey.index)
    this.#hasBrokenPacks = survey.faults.some(({ kind }) => kind === 'pack-missing' || kind === 'pack-size')
  }

  /** Says that no copy of this blob can be read. */
  addUnreadable({ type, id }: PackedBlob): void {
    this.#unreadable.mark(type, id)
  }

  has(type: BlobType, id: BlobId): boolean {
    if (!this.#survey.index.has(type, id)) return true
    if (this.#unreadable.count > 0 && this.#unreadable.has(type, id)) return true
    return this.#hasBrokenPacks && !this.#survey.index.findAll(type, id).some((copy) => this.#isWithinPack(copy))
  }

  /** Where a lost blob should be: the path of a pack, or the blob itself if no index file lists it. */
  placeOf(type: BlobType, id: BlobId): string {
    const copy = this.#survey.index.find(type, id)
    return copy === undefined ? `blob ${id}` : pathOf({ kind: 'pack', id: copy.packId })
  }

  #isWithinPack({ packId, offset, length }: BlobLocation): boolean {
    return offset + length <= (this.#survey.stored.get(packId) ?? 0)
  }
}
