import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import fc from 'fast-check'
import { NEVER } from '../../base/abort.ts'
import type { Clock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import { openSeededContents, PhoneContents, type Place } from './index.ts'

const signal = NEVER
const NOW_S = 1_780_000_000

const clock: Clock = { nowMs: () => NOW_S * 1000, elapsedMs: () => 0, sleep: async () => undefined }
const place = (relativePath: string): Place => ({ domain: 'HomeDomain', relativePath })
const empty = () => new PhoneContents({ identity: {}, apps: [], clock })
const paths = (contents: PhoneContents) => Array.from(contents.entries(), ({ relativePath }) => relativePath)

async function textAt(contents: PhoneContents, at: Place): Promise<string> {
  const blocks: Uint8Array[] = []
  for await (const block of contents.read(at, { signal })) blocks.push(block)
  return Buffer.concat(blocks).toString()
}

test('a written file is there, with its parents', async () => {
  const contents = empty()
  contents.write(place('Library/a/b.txt'), Buffer.from('hello'))
  assert.deepEqual(paths(contents), ['', 'Library', 'Library/a', 'Library/a/b.txt'])
  assert.equal(await textAt(contents, place('Library/a/b.txt')), 'hello')
  assert.deepEqual(contents.totals, { files: 1, folders: 3, links: 0, bytes: 5 })
})

test('every write is later than the one before, even in the same second', () => {
  const contents = empty()
  const times = ['a', 'b', 'c'].map((text) => {
    contents.write(place('x'), Buffer.from(text))
    return contents.find(place('x'))!.modifiedS
  })
  assert.deepEqual(times, [NOW_S, NOW_S + 1, NOW_S + 2])
})

test('a write keeps inode and birth of what it replaces, and its place in the order', () => {
  const contents = empty()
  contents.write(place('x'), Buffer.from('1'))
  contents.write(place('y'), Buffer.from('2'))
  const { inode, bornS } = contents.find(place('x'))!
  contents.write(place('x'), Buffer.from('333'))
  const after = contents.find(place('x'))!
  assert.deepEqual([after.inode, after.bornS, after.size], [inode, bornS, 3])
  assert.deepEqual(paths(contents), ['', 'x', 'y'])
})

test('a move keeps the modification time; both folders change', async () => {
  const contents = empty()
  contents.write(place('a/x'), Buffer.from('1'))
  contents.write(place('b/y'), Buffer.from('22'))
  const { modifiedS } = contents.find(place('a/x'))!
  const folderS = contents.find(place('a'))!.modifiedS
  contents.move(place('a/x'), place('b/y'))
  assert.equal(contents.find(place('a/x')), undefined)
  assert.equal(contents.find(place('b/y'))?.modifiedS, modifiedS)
  assert.equal(await textAt(contents, place('b/y')), '1')
  assert.ok(contents.find(place('a'))!.modifiedS > folderS)
  assert.equal(contents.totals.bytes, 1)
})

test('removing a folder removes what it holds, and nothing that only looks alike', () => {
  const contents = empty()
  for (const path of ['a/1', 'a/b/2', 'ab/3', 'a.txt']) contents.write(place(path), Buffer.from(path))
  assert.equal(contents.remove(place('a')), true)
  assert.equal(contents.remove(place('a')), false)
  assert.deepEqual(paths(contents), ['', 'ab', 'ab/3', 'a.txt'])
})

test('removing the root of a domain removes the domain', () => {
  const contents = empty()
  contents.write(place('a/1'), Buffer.from('x'))
  contents.remove(place(''))
  assert.deepEqual(contents.totals, { files: 0, folders: 0, links: 0, bytes: 0 })
})

test('what is not there cannot be read or moved', () => {
  const contents = empty()
  const isMissing = (error: unknown) => isAppError(error, 'virtual-phone.no-such-file')
  assert.throws(() => contents.read(place('x'), { signal }), isMissing)
  assert.throws(() => contents.move(place('x'), place('y')), isMissing)
  contents.write(place('a/b'), Buffer.from('x'))
  assert.throws(() => contents.read(place('a'), { signal }), isMissing)
})

test('a database can be edited as an app would', async () => {
  const contents = openSeededContents({ seed: 1, files: 100, bytes: 1e6, ios: '17.5', clock })
  const sms = place('Library/SMS/sms.db')
  const before = contents.find(sms)!
  await contents.editDatabase(sms, "INSERT INTO message (guid, text) VALUES ('new', 'Good night')", { signal })
  assert.ok(contents.find(sms)!.modifiedS > before.modifiedS)
  const blocks: Uint8Array[] = []
  for await (const block of contents.read(sms, { signal })) blocks.push(block)
  using database = new DatabaseSync(':memory:')
  database.deserialize(Buffer.concat(blocks))
  assert.equal(database.prepare("SELECT text FROM message WHERE guid = 'new'").get()?.text, 'Good night')
})

test('change does what its counts say, the same for the same seed', () => {
  const tell = (contents: PhoneContents) =>
    new Map(
      [...contents.entries()]
        .filter(({ kind }) => kind === 'file')
        .map(({ domain, relativePath, modifiedS }) => [`${domain}-${relativePath}`, modifiedS]),
    )
  const run = () => {
    const contents = openSeededContents({ seed: 1, files: 300, bytes: 1e6, ios: '17.5', clock })
    const before = tell(contents)
    contents.change({ seed: 9, add: 4, rewrite: 5, move: 6, remove: 7 })
    return { before, after: tell(contents) }
  }
  const { before, after } = run()
  assert.deepEqual(run().after, after)
  assert.equal(after.size, 300 + 4 - 7)
  assert.equal([...after].filter(([path]) => !before.has(path)).length, 4 + 6)
  assert.equal([...before].filter(([path]) => !after.has(path)).length, 6 + 7)
  assert.equal([...after].filter(([path, modifiedS]) => before.has(path) && before.get(path) !== modifiedS).length, 5)
})

test('whatever is edited, totals count what is there', () => {
  const path = fc.constantFrom('a', 'b', 'a/x', 'a/y', 'c/d/e')
  const edit = fc.oneof(
    fc.record({ kind: fc.constant('write' as const), path, bytes: fc.uint8Array({ maxLength: 5 }) }),
    fc.record({ kind: fc.constant('remove' as const), path }),
  )
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 30 }), (edits) => {
      const contents = empty()
      for (const step of edits) {
        if (contents.find(place(step.path))?.kind === 'folder' && step.kind === 'write') continue
        if (step.kind === 'remove') contents.remove(place(step.path))
        else if (contents.find(place('a'))?.kind !== 'file' || !step.path.startsWith('a/'))
          contents.write(place(step.path), step.bytes)
      }
      const all = [...contents.entries()]
      const count = (kind: string) => all.filter((entry) => entry.kind === kind).length
      const bytes = all.reduce((sum, { size }) => sum + size, 0)
      assert.deepEqual(contents.totals, { files: count('file'), folders: count('folder'), links: count('link'), bytes })
    }),
  )
})
