import { damaged } from '../errors.ts'
import { SEAL_BYTES } from '../format/crypto.ts'
import { type Id, parseId } from '../format/id.ts'
import { type Fields, fieldsOf, isObject, parseJson } from '../format/json.ts'
import type { PackedBlob } from './blob-index.ts'

/** One pack as an index file lists it. */
export interface IndexedPack {
  readonly id: Id
  /** In the order of their offsets. */
  readonly blobs: readonly PackedBlob[]
}

/** The JSON of an index file. Source: docs/protocol/restic-repository.md#index. */
export function encodeIndexFile(packs: readonly IndexedPack[]): string {
  return `${JSON.stringify({ packs: packs.map(({ id, blobs }) => ({ id, blobs: blobs.map(encodeBlob) })) })}\n`
}

function encodeBlob({ id, type, offset, length, uncompressedLength }: PackedBlob): object {
  const blob = { id, type, offset, length }
  return uncompressedLength === 0 ? blob : { ...blob, uncompressed_length: uncompressedLength }
}

/** What an index file says. */
export interface IndexFile {
  readonly packs: readonly IndexedPack[]
  /** Packs that another program has marked: they are still there, but nothing may be built on them. */
  readonly packsToDelete: readonly Id[]
}

/** Throws `repo.damaged`. */
export function decodeIndexFile(text: string, what: string): IndexFile {
  const file = fieldsOf(parseJson(text, what), what)
  const marked = file.optional('packs_to_delete', (fields) => fields.list('packs_to_delete')) ?? []
  return {
    packs: file.list('packs').map((pack) => decodePack(fieldsOf(pack, `${what}, a pack`))),
    packsToDelete: marked.map((pack) => fieldsOf(pack, `${what}, a pack to delete`).id('id')),
  }
}

function decodePack(pack: Fields): IndexedPack {
  const id = pack.id('id')
  const blobs = pack.list('blobs').map((blob) => decodeBlob(blob, id))
  return { id, blobs: blobs.sort((left, right) => left.offset - right.offset) }
}

const U32_MAX = 0xffff_ffff

/** Looks at the fields itself: an index has a million of these. */
function decodeBlob(blob: unknown, packId: Id): PackedBlob {
  if (!isObject(blob)) throw badBlob(packId)
  const id = parseId(blob.id)
  const { type, offset, length } = blob
  const uncompressedLength = blob.uncompressed_length ?? 0
  const isTyped = type === 'data' || type === 'tree'
  const isSized = isCount(offset) && isCount(length) && isCount(uncompressedLength)
  if (id === undefined || !isTyped || !isSized || length < SEAL_BYTES || offset + length > U32_MAX)
    throw badBlob(packId)
  return { type, id, offset, length, uncompressedLength }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= U32_MAX
}

function badBlob(packId: Id): Error {
  return damaged(`The index entry of pack ${packId}`, 'impossible blob')
}
