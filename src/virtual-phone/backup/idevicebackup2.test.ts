import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { systemClock } from '../../base/clock.ts'
import { type Entry, openFolderContents } from '../contents/index.ts'
import { openToolWorld } from '../testing/tool-world.ts'
import { fileIdOf, payloadPath } from './file-id.ts'

const signal = NEVER

/** The folder that a tool of others made holds a phone like the one that it came from, and is left as it was. */
async function assertCanBeContents({
  folder,
  phone,
  contents,
}: Awaited<ReturnType<typeof openToolWorld>>): Promise<void> {
  const copy = await openFolderContents({ folder, clock: systemClock, signal })
  const told = (entries: Iterable<Entry>) =>
    Array.from(entries, (entry) => `${fileIdOf(entry)} ${entry.modifiedS} ${entry.size}`).sort()
  assert.deepEqual(copy.totals, contents.totals)
  assert.deepEqual(copy.notes, [])
  assert.equal(copy.identity.udid, phone.udid)
  assert.deepEqual(told(copy.entries()), told(contents.entries()))
  assert.deepEqual(
    (await readdir(join(folder, phone.udid))).filter((name) => name.startsWith('Manifest.db')),
    ['Manifest.db'],
  )
}

// Side by side: idevicebackup2 spends most of its time asleep.
describe('idevicebackup2', { concurrency: true }, () => {
  test('idevicebackup2 makes a full and an incremental backup, with every byte in its place', async () => {
    await using world = await openToolWorld({ files: 200, bytes: 3_000_000 })
    const { contents, phone, backUp, folder } = world
    assert.match(await backUp(), /Backup Successful/)
    contents.change({ seed: 1, add: 2, rewrite: 5, move: 2, remove: 3 })
    const second = await backUp()
    assert.match(second, /Backup Successful/)
    assert.match(second, /Received 15 files/, 'nine that changed, two manifests, four times the status')
    for (const entry of contents.entries()) {
      if (entry.kind !== 'file') continue
      const blocks: Uint8Array[] = []
      for await (const block of contents.read(entry, { signal })) blocks.push(block)
      const stored = await readFile(join(folder, phone.udid, payloadPath(fileIdOf(entry))))
      assert.equal(Buffer.compare(stored, Buffer.concat(blocks)), 0, entry.relativePath)
    }
    await assertCanBeContents(world)
  })

  test('idevicebackup2 goes on after the cable was pulled', async () => {
    await using world = await openToolWorld({ files: 300, bytes: 3_000_000 })
    world.phone.faults.add({
      do: 'cut',
      service: 'com.apple.mobilebackup2',
      afterBytes: world.contents.totals.bytes - 10_000,
    })
    assert.doesNotMatch(await world.backUp(), /Backup Successful/)
    const sent = world.phone.agent.cache?.sent.size ?? 0
    assert.ok(sent > 0, 'the phone remembers what was confirmed')
    const second = await world.backUp()
    assert.match(second, /Backup Successful/)
    assert.match(second, new RegExp(`Received ${300 - sent + 6} files`))
  })

  test('a refused passcode reaches the person as error 208', async () => {
    await using world = await openToolWorld({ files: 1, bytes: 1 })
    world.phone.condition.set({ passcode: '1234', passcodePrompt: 'refuse' })
    assert.match(await world.backUp(), /ErrorCode 208: Device locked \(MBErrorDomain\/208\)/)
  })
})
