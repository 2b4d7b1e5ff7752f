import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { NEVER } from '../../src/base/abort.ts'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { isAppError } from '../../src/base/errors.ts'
import { isIncomplete, listSnapshots } from '../../src/repository/index.ts'
import type { Fault } from '../../src/virtual-phone/index.ts'
import { assertHolds, hashContents } from '../testing/backup-folder.ts'
import { restic } from '../testing/restic.ts'
import { openWorld } from '../testing/world.ts'

/** The phone's sleeps are over at once, so that a link may stall for an hour. */
const hurried: Clock = {
  ...systemClock,
  sleep: (_ms, { signal }) => systemClock.sleep(0, { signal }),
}

const world = await openWorld({ files: 60, bytes: 500_000, virtual: { clock: hurried } })
after(() => world[Symbol.asyncDispose]())
await world.backUp()
const { faults, contents } = world.virtual

const service = 'com.apple.mobilebackup2'
const HOUR_MS = 3_600_000

/** What each fault ends in: the code of an error, or a backup like any other. */
const CASES: readonly (readonly [fault: Fault, ending: 'finished' | RegExp])[] = [
  [{ do: 'cut', service, afterBytes: 50_000 }, /^wire\.closed$/],
  [{ do: 'cut', service, from: 'host', atMessage: 200 }, /^wire\.closed$/],
  [{ do: 'stall', service, afterBytes: 50_000, ms: HOUR_MS }, 'finished'],
  [{ do: 'slow', service, bytesPerSecond: 1000 }, 'finished'],
  [{ do: 'lock', service, afterBytes: 50_000 }, 'finished'],
  [{ do: 'restart', service, afterBytes: 50_000 }, /^wire\.closed$/],
  [{ do: 'end-file', code: 6, text: 'No such file or directory' }, /^device\.backup-/],
  [{ do: 'end-file', code: 11, text: 'Input/output error (5)' }, /^device\.backup-/],
  [{ do: 'send-twice' }, 'finished'],
  [{ do: 'misreport-size', bytes: 2 ** 50 }, 'finished'],
  [{ do: 'misjudge-room', freeBytes: 0, times: 2 }, /^device\.backup-no-space$/],
  [{ do: 'misjudge-room', freeBytes: 2 ** 50 }, 'finished'],
  [{ do: 'large-manifest', bytes: 64 * 2 ** 20 }, 'finished'],
]

for (const [fault, ending] of CASES) {
  const { service: _, ...told } = { service: '', ...fault }
  test(`${JSON.stringify(told)} ends in ${ending}, and no snapshot is lost`, { timeout: 120_000 }, async () => {
    contents.change({ seed: contents.revision.edits, add: 2, rewrite: 15, remove: 1 })
    const before = await snapshotIds()
    faults.add(fault)
    if (ending !== 'finished') {
      await assert.rejects(world.backUp(), (error) => isAppError(error) && ending.test(error.code))
      assert.deepEqual(await snapshotIds(), before, 'nothing counts as a backup')
      assert.deepEqual(faults.waiting, [], 'the next run meets no fault')
    }
    await world.backUp()
    assert.ok(faults.fired.some((fired) => fired.fault === fault) && faults.waiting.length === 0, 'it happened')
    const kept = await snapshotIds()
    for (const id of before) assert.ok(kept.includes(id))
  })
}

test('after all that, the repository is whole and the newest snapshot is the phone', async () => {
  await restic(world.repositoryFolder, 'check', '--read-data')
  const target = join(world.folder, 'restored')
  await restic(world.repositoryFolder, 'restore', 'latest', '--target', target)
  await assertHolds(join(target, world.virtual.udid), await hashContents(contents))
})

async function snapshotIds(): Promise<readonly string[]> {
  const snapshots = await listSnapshots(await world.repository(), { signal: NEVER, onDamaged: assert.fail })
  return snapshots.filter((snapshot) => !isIncomplete(snapshot)).map(({ id }) => id)
}
