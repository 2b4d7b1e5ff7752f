import assert from 'node:assert/strict'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Id } from '../format/id.ts'
import { Repository } from '../repository.ts'
import { seededBytes } from '../testing/bytes.ts'
import type { MemoryBackend } from '../testing/memory-backend.ts'
import { backUp, memoryRepository, openedAgain } from '../testing/repositories.ts'
import { clock, signal } from '../testing/restic.ts'
import { type ReadBackReport, readBack } from './read-back.ts'
import { openVerifiedPacks, type VerifiedPacks } from './verified-packs.ts'

interface Days {
  readonly backend: MemoryBackend
  /** Every pack. */
  readonly packs: readonly Id[]
  /** Those of the last day. */
  readonly written: ReadonlySet<Id>
  readonly verified: VerifiedPacks
  read(bytesMax: number): Promise<ReadBackReport>
}

/** A repository of some days, of which the last one was backed up just now; and a record of its own. */
async function daysOf(folder: string): Promise<Days> {
  const { backend, repository } = await memoryRepository()
  for (const day of [1, 2, 3]) await backUp(repository, { [`udid/file-${day}`]: seededBytes(day, 100_000) })
  const before = new Set((await openedAgain(backend)).index.packIds())
  await backUp(await openedAgain(backend), { 'udid/new': seededBytes(9, 100_000) })
  const whole = await openedAgain(backend)
  const packs = [...whole.index.packIds()]
  const written = new Set(packs).difference(before)
  const verified = openVerifiedPacks(folder, { repositoryId: repository.id })
  const read = (bytesMax: number) => readBack(whole, written, { bytesMax, verified, clock, signal })
  return { backend, packs, written, verified, read }
}

const openFolder = () => mkdtempDisposable(join(tmpdir(), 'phonekeep-read-back-'))
const pathOfPack = (id: Id) => `data/${id.slice(0, 2)}/${id}`

test('with room for all, all packs are read and noted', async () => {
  await using folder = await openFolder()
  const { packs, read, verified } = await daysOf(folder.path)
  const report = await read(1e9)
  assert.deepEqual([report.packs, report.damaged, report.failure], [packs.length, [], undefined])
  assert.deepEqual([...(await verified.read()).keys()].sort(), packs.toSorted())
})

test('a small budget takes one new pack and one old one, and in the end each old one has had its turn', async () => {
  await using folder = await openFolder()
  const { packs, read, verified, written } = await daysOf(folder.path)
  const seen = new Set<Id>()
  let moment = 0
  const old = packs.filter((id) => !written.has(id))
  for (const _run of old) {
    assert.equal((await read(2)).packs, 2)
    const record = await verified.read()
    for (const id of record.keys()) if (!seen.has(id)) record.set(id, clock.nowMs() + 1000 * moment++)
    for (const id of record.keys()) seen.add(id)
    await verified.write(record)
  }
  for (const id of old) assert.ok(seen.has(id))
})

test('a flipped bit is found, whose it is is told, and it is not noted as sound', async () => {
  await using folder = await openFolder()
  const { backend, packs, read, verified, written } = await daysOf(folder.path)
  for (const id of packs) {
    const bytes = backend.files.get(pathOfPack(id))!
    const broken = Buffer.from(bytes)
    broken[broken.length >>> 1]! ^= 1
    backend.files.set(pathOfPack(id), broken)
    const { damaged } = await read(1e9)
    assert.deepEqual(
      damaged.map((sample) => [sample.id, sample.isNew]),
      [[id, written.has(id)]],
    )
    assert.ok(!(await verified.read()).has(id))
    backend.files.set(pathOfPack(id), bytes)
  }
})

test('a pack of this run that is gone again is found whatever the budget', async () => {
  await using folder = await openFolder()
  const { backend, read, written } = await daysOf(folder.path)
  for (const id of written) backend.files.delete(pathOfPack(id))
  const { damaged } = await read(1)
  assert.equal(damaged.length, written.size)
})

test('a store that fails proves nothing of the packs, and is told', async () => {
  await using folder = await openFolder()
  const { backend, written, verified } = await daysOf(folder.path)
  const { sealer, config } = await openedAgain(backend)
  const load = async () => {
    throw new Error('no answer')
  }
  const failing = new Repository({ ...backend, load }, sealer, config)
  const { damaged, failure, packs } = await readBack(failing, written, { bytesMax: 1e9, verified, clock, signal })
  assert.deepEqual([damaged, failure, packs], [[], 'no answer', 0])
})

test('an abort ends the reading with what was read until then', async () => {
  await using folder = await openFolder()
  const { backend, written, verified } = await daysOf(folder.path)
  const { packs, damaged } = await readBack(await openedAgain(backend), written, {
    bytesMax: 1e9,
    verified,
    clock,
    signal: AbortSignal.abort(new Error('enough')),
  })
  assert.deepEqual([packs, damaged], [0, []])
})
