import assert from 'node:assert/strict'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { openLocalBackend } from '../backend/local.ts'
import { lockRepository } from '../lock.ts'
import { openRepository, type Repository } from '../repository.ts'
import { listSnapshots } from '../snapshots/snapshot.ts'
import { seededBytes } from '../testing/bytes.ts'
import { createDyingBackend } from '../testing/dying-backend.ts'
import { backUp, openedAgain, readFiles } from '../testing/repositories.ts'
import { clock, newRepository, PASSWORD, reopened, restic, signal, temporaryFolder } from '../testing/restic.ts'
import { performPrune, preparePrune } from './prune.ts'
import { PRUNE_DEFAULTS, type PruneLimits } from './prune-plan.ts'

const owner = { hostname: 'test', username: 'phonekeep-1', pid: process.pid }

async function prune(repository: Repository, limits: Partial<PruneLimits> = {}): Promise<void> {
  await using lock = await lockRepository(repository, { mode: 'exclusive', owner, clock, signal })
  const prepared = await preparePrune(repository, { limits: { ...PRUNE_DEFAULTS, ...limits }, signal })
  await performPrune(prepared, { lock, signal })
}

const filesFor = (day: number): Record<string, Buffer> => ({
  'u/same': seededBytes(0, 1_300_000),
  [`u/photo-${day}`]: seededBytes(day, 700_000),
  [`u/${day % 3}/database`]: Buffer.concat([seededBytes(50, 600_000), seededBytes(100 + day, 50_000)]),
  'u/small': Buffer.from(`day ${day}`),
})

/** The same files for restic, in a folder. */
async function writeFiles(folder: string, files: Readonly<Record<string, Buffer>>): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), bytes)
  }
}

async function assertSound(folder: string): Promise<void> {
  assert.match(await restic(folder, ['check', '--read-data']), /no errors were found/)
}

const contentOf = async (repository: Repository) => {
  const snapshots = await listSnapshots(repository, { signal })
  return new Map(
    await Promise.all(snapshots.map(async ({ id, tree }) => [id, await readFiles(repository, tree)] as const)),
  )
}

test('we prune what restic and we wrote, and restic prunes it after us, in turns', async () => {
  await using folder = await temporaryFolder()
  await using source = await temporaryFolder()
  let repository = await newRepository(folder.path)
  for (let day = 1; day <= 4; day++) {
    await backUp(repository, filesFor(2 * day))
    await writeFiles(join(source.path, 'u'), filesFor(2 * day + 1))
    await restic(folder.path, ['backup', '--host', 'iphone', join(source.path, 'u')])
    if (day % 2 === 0) await restic(folder.path, ['forget', '--keep-last', '1', '--group-by', ''])
    repository = await reopened(folder.path)
    const before = await contentOf(repository)
    if (day % 4 === 0) await restic(folder.path, ['prune', '--max-unused', '0'])
    else await prune(repository, { maxUnused: { percent: 0 } })
    await assertSound(folder.path)
    repository = await reopened(folder.path)
    assert.deepEqual(await contentOf(repository), before)
  }
  assert.match(await restic(folder.path, ['prune', '--dry-run']), /total prune: +0 blobs/)
})

test('after our prune restic has nothing to prune, and nothing to add', async () => {
  await using folder = await temporaryFolder()
  await using source = await temporaryFolder()
  const repository = await newRepository(folder.path)
  const first = await backUp(repository, filesFor(1))
  await backUp(repository, filesFor(2), first.tree)
  await writeFiles(join(source.path, 'u'), filesFor(3))
  await restic(folder.path, ['backup', '--host', 'iphone', join(source.path, 'u')])
  await restic(folder.path, ['forget', first.id])
  await prune(await reopened(folder.path), { maxUnused: { percent: 0 } })
  await assertSound(folder.path)
  assert.match(await restic(folder.path, ['prune', '--max-unused', '0', '--dry-run']), /total prune: +0 blobs/)
  const printed = await restic(folder.path, ['backup', '--force', '--json', '--host', 'iphone', join(source.path, 'u')])
  assert.match(printed, /"data_blobs":0/)
})

test('wherever our prune is killed, restic finds the repository sound', async () => {
  await using folder = await temporaryFolder()
  await using copy = await temporaryFolder()
  const repository = await newRepository(folder.path)
  const first = await backUp(repository, filesFor(1))
  const second = await backUp(repository, filesFor(2), first.tree)
  await repository.backend.remove({ kind: 'snapshot', id: first.id }, { signal })
  const before = await readFiles(repository, second.tree)
  for (let dieAt = 18, died = true; died; dieAt += 7) {
    await rm(copy.path, { recursive: true, force: true })
    await cp(folder.path, copy.path, { recursive: true })
    const dying = createDyingBackend(openLocalBackend(copy.path), { dieAt })
    const killed = await openedAgain(dying)
    await prune(killed, { maxUnused: { percent: 0 } }).catch(() => undefined)
    died = dying.isDead
    await restic(copy.path, ['unlock', '--remove-all'])
    await assertSound(copy.path)
    const after = await openRepository(openLocalBackend(copy.path), { password: PASSWORD, signal })
    await after.loadIndex({ signal })
    assert.deepEqual(await readFiles(after, second.tree), before)
  }
})
