import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../base/bytes.ts'
import { type Id, sha256 } from '../format/id.ts'
import { temporaryFolder } from '../testing/restic.ts'
import { choosePacks, type DataSelection } from './data-selection.ts'
import { openVerifiedPacks } from './verified-packs.ts'

const packs = Array.from({ length: 300 }, (_, n) => ({ id: sha256(utf8(`pack ${n}`)), sizeBytes: 1000 + n }))
const allBytes = packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
const choose = (selection: DataSelection, verified: ReadonlyMap<Id, number> = new Map(), seed = 1) =>
  choosePacks(packs, selection, { verified, seed })
const bytesOf = (chosen: readonly { sizeBytes: number }[]) => chosen.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)

test('all parts together are every pack once, however many parts there are', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 256 }), (parts) => {
      const chosen = Array.from({ length: parts }, (_, index) =>
        choose({ kind: 'part', part: index + 1, parts }),
      ).flat()
      assert.deepEqual(new Set(chosen), new Set(packs))
      assert.equal(chosen.length, packs.length)
    }),
  )
})

test('a share and a size are reached, and hardly exceeded; each seed chooses others', () => {
  for (const percent of [1, 50, 100]) {
    const bytes = bytesOf(choose({ kind: 'share', percent }))
    assert.ok(bytes >= (allBytes * percent) / 100 && bytes < (allBytes * percent) / 100 + 1300)
  }
  const bytes = 20_000
  assert.ok(bytesOf(choose({ kind: 'bytes', bytes })) < bytes + 1300)
  assert.notDeepEqual(choose({ kind: 'bytes', bytes }, new Map(), 1), choose({ kind: 'bytes', bytes }, new Map(), 2))
  assert.deepEqual(new Set(choose({ kind: 'share', percent: 100 })), new Set(packs))
})

test('what was never verified comes first, then what was verified longest ago', () => {
  const [first, second, third] = packs
  const verified = new Map(packs.slice(0, 299).map(({ id }) => [id, 5000]))
  verified.set(second!.id, 1000).set(first!.id, 2000)
  const chosen = choose({ kind: 'oldest' }, verified)
  assert.deepEqual(chosen.slice(0, 3), [packs[299], second, first])
  assert.ok(chosen.indexOf(third!) > 2)
})

test('none is none, and a budget of nothing is nothing', () => {
  assert.deepEqual(choose({ kind: 'none' }), [])
  assert.deepEqual(choose({ kind: 'oldest', bytesMax: 0 }), [])
  assert.deepEqual(choose({ kind: 'all' }), packs)
})

test('a record gives back what was noted; lost, broken or refused it is empty', async () => {
  await using folder = await temporaryFolder()
  const record = openVerifiedPacks(join(folder.path, 'new', 'verified'), { repositoryId: sha256(utf8('repository')) })
  assert.deepEqual(await record.read(), new Map())
  const noted = new Map([[packs[0]!.id, 1_700_000_000_000]])
  await record.write(noted)
  assert.deepEqual(await record.read(), noted)
  const [name] = await readdir(join(folder.path, 'new', 'verified'))
  const file = join(folder.path, 'new', 'verified', name!)
  await writeFile(file, `rubbish\n${await readFile(file, 'latin1')}\n${packs[1]!.id} never\n`)
  assert.deepEqual(await record.read(), noted)
  const refused = openVerifiedPacks(file, { repositoryId: sha256(utf8('repository')) })
  assert.deepEqual(await refused.read(), new Map())
  await refused.write(noted)
})
