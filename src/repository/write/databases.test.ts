import assert from 'node:assert/strict'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { goTime } from '../format/go-json.ts'
import type { Repository } from '../repository.ts'
import { saveSnapshot } from '../snapshots/snapshot.ts'
import { seededBytes } from '../testing/bytes.ts'
import { changeMessages, fillMessages, openMessages } from '../testing/message-database.ts'
import { clock, newRepository, reopened, restic, signal, temporaryFolder } from '../testing/restic.ts'
import { openTree } from '../trees/cow-tree.ts'
import { openWriter, type WriterStats } from './writer.ts'

/** `npm run test:large` takes the database of a phone that is really used; otherwise one of a tenth, and a tenth of a day. */
const SCALE = process.env.PHONEKEEP_TEST_LARGE === undefined ? 0.1 : 1
const DATABASE_BYTES = 334_000_000 * SCALE
const DAY = { inserts: 300 * SCALE, updates: 150 * SCALE }
const GROWTH_BYTES_MAX = 30_000_000 * SCALE

/** Backs a file up, as the only one of a snapshot, in the pieces that a phone sends. */
async function backUp(repository: Repository, file: string): Promise<WriterStats> {
  await using writer = openWriter(repository, { clock, signal })
  const tree = openTree(writer, undefined)
  const stored = writer.openFile()
  await using source = await open(file)
  for await (const piece of source.createReadStream({ highWaterMark: 256 * 1024, autoClose: false })) {
    await stored.write(piece)
  }
  await tree.putFile(['udid', 'sms.db'], { ...(await stored.finish()), modifiedMs: 0 }, { signal })
  const root = await tree.commit({ signal })
  await writer.flush({ signal })
  const fields = { time: goTime(clock.nowMs()), tree: root, paths: ['/udid'], hostname: 'iphone', username: 'me' }
  await saveSnapshot(repository, fields, { signal })
  return writer.stats
}

test(`a day of ${DAY.inserts} new and ${DAY.updates} changed messages grows a repository by less than a tenth of their database`, async () => {
  await using folder = await temporaryFolder()
  await using place = await temporaryFolder()
  const file = join(folder.path, 'sms.db')
  const repository = await newRepository(place.path)
  using messages = openMessages(file)
  fillMessages(messages, { bytes: DATABASE_BYTES, seed: 1 })
  const first = await backUp(repository, file)
  assert.ok(first.addedBytes >= DATABASE_BYTES)
  changeMessages(messages, { ...DAY, seed: 2 })
  const second = await backUp(repository, file)
  assert.ok(second.storedBytes > 0 && second.storedBytes <= GROWTH_BYTES_MAX, `it grew by ${second.storedBytes} bytes`)
  assert.match(await restic(place.path, ['check', '--read-data']), /no errors were found/)
})

/** The summary line of `restic backup --json`. */
async function resticBackup(repository: string, path: string): Promise<{ readonly data_blobs: number }> {
  const printed = await restic(repository, ['backup', '--json', path])
  return JSON.parse(printed.split('\n').find((line) => line.includes('"summary"')) ?? '')
}

test('restic restores a database that was cut at its pages, and stores it once more, in chunks of its own, if it backs it up itself', async () => {
  await using folder = await temporaryFolder()
  await using place = await temporaryFolder()
  await using target = await temporaryFolder()
  const file = join(folder.path, 'sms.db')
  using messages = openMessages(file)
  fillMessages(messages, { bytes: 3_000_000, seed: 3 })
  await backUp(await newRepository(place.path), file)
  await restic(place.path, ['restore', 'latest', '--target', target.path])
  assert.ok((await readFile(join(target.path, 'udid', 'sms.db'))).equals(await readFile(file)))
  assert.ok((await resticBackup(place.path, file)).data_blobs > 0)
  assert.equal((await resticBackup(place.path, file)).data_blobs, 0)
  assert.equal((await backUp(await reopened(place.path), file)).dataBlobs, 0)
})

test('what never changes and what changes daily lie in different packs', async () => {
  await using place = await temporaryFolder()
  const repository = await newRepository(place.path)
  await using writer = openWriter(repository, { clock, signal, limits: { threads: 2 } })
  const ids: Record<'media' | 'churn', string[]> = { media: [], churn: [] }
  for (let n = 0; n < 30; n++) {
    for (const sort of ['media', 'churn'] as const) {
      const file = writer.openFile()
      if (sort === 'churn') await file.write(Buffer.from('bplist00'))
      await file.write(seededBytes(n + (sort === 'churn' ? 1000 : 0), 400_000))
      ids[sort].push(...(await file.finish()).content)
    }
  }
  await writer.flush({ signal })
  const packsOf = (sort: 'media' | 'churn') =>
    new Set([...repository.index.blobs()].filter(({ id }) => ids[sort].includes(id)).map(({ packId }) => packId))
  assert.ok(packsOf('media').size > 0 && packsOf('churn').size > 0)
  assert.deepEqual(packsOf('media').intersection(packsOf('churn')), new Set())
})
