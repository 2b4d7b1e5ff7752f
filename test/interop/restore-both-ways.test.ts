import assert from 'node:assert/strict'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { openBackupSet } from '../../src/backup-set/index.ts'
import { NEVER } from '../../src/base/abort.ts'
import { Secret } from '../../src/base/secret.ts'
import { openSnapshotFiles } from '../../src/run/index.ts'
import { entriesOfBackup, entriesOfPhone, type KeptEntries } from '../testing/backup-entries.ts'
import { idevicebackup2, theirBackup } from '../testing/idevicebackup2.ts'
import { addOddFiles } from '../testing/odd-files.ts'
import { phonekeep, surroundings } from '../testing/phonekeep.ts'
import { restic } from '../testing/restic.ts'
import { digestsOf, FEW_ITERATIONS, openNewPhone } from '../testing/restore-world.ts'
import { openWorld, type World } from '../testing/world.ts'

const BACKUP_PASSWORD = 'Straße 7 🔑'
/** Whom plain restic's snapshot of the folder of idevicebackup2 is of. */
const THEIRS = 'idevicebackup2'

const opened = new AsyncDisposableStack()
after(() => opened.disposeAsync())

const encrypting = (password?: string) => ({
  encryption: { iterations: FEW_ITERATIONS, ...(password !== undefined && { password: new Secret(password) }) },
})

/**
 * A phone that either program has backed up in full and then what changed, and what it held at last. Its repository has the
 * folder that idevicebackup2 wrote, too.
 */
async function openOriginal(password?: string) {
  const world = opened.use(await openWorld({ files: 150, bytes: 1_500_000, virtual: encrypting(password) }))
  const { contents, udid } = world.virtual
  addOddFiles(contents)
  await backUpWithBoth(world)
  contents.change({ seed: 5, add: 5, rewrite: 5, move: 5, remove: 5 })
  const { ours, folder } = await backUpWithBoth(world)
  await restic(world.repositoryFolder, 'backup', '--host', THEIRS, dirname(folder))
  const { repositoryFolder } = world
  return { ours, udid, password, repositoryFolder, digests: await digestsOf(contents), apps: appsOf(world) }
}

async function backUpWithBoth(world: World) {
  const { snapshot } = await world.backUp()
  return { ours: snapshot.id, folder: await theirBackup(world) }
}

/** What a person has installed; the phone learns it from Info.plist, which either program writes in its own way. */
function appsOf({ virtual: { contents } }: World): readonly string[] {
  const apps = contents.apps.filter(({ category }) => category === 'User')
  return apps.map(({ bundleId }) => bundleId).toSorted()
}

type Original = Awaited<ReturnType<typeof openOriginal>>

/** A phone as it leaves the factory, but for a photo. */
async function openEmptyPhone(): Promise<World> {
  const phone = await openNewPhone({ virtual: encrypting() })
  phone.virtual.contents.write({ domain: 'CameraRollDomain', relativePath: 'Media/mine.jpg' }, Buffer.from('mine'))
  return phone
}

async function assertBecame(phone: World, original: Original): Promise<void> {
  assert.deepEqual(await digestsOf(phone.virtual.contents), original.digests)
  assert.deepEqual(appsOf(phone), original.apps)
  assert.ok(original.apps.length > 0)
  assert.equal(phone.virtual.condition.boots, 2, 'it has restarted')
  assert.equal(phone.virtual.agent.encryption.password?.reveal(), original.password)
}

/** Runs our command on the phone, with the original's repository and password. */
async function phonekeepOn(phone: World, original: Original, ...args: readonly string[]): Promise<void> {
  const env = {
    ...surroundings(phone),
    RESTIC_REPOSITORY: original.repositoryFolder,
    PHONEKEEP_BACKUP_PASSWORD: original.password ?? '',
  }
  const { exitCode, out, err } = await phonekeep(args, env)
  assert.equal(exitCode, 0, out + err)
}

/** What writes a snapshot of ours into a folder. */
const WRITERS = {
  'phonekeep restore --to': (phone: World, original: Original, folder: string) =>
    phonekeepOn(phone, original, 'restore', original.ours, '--to', folder),
  'restic restore': (_: World, { repositoryFolder, ours }: Original, folder: string) =>
    restic(repositoryFolder, 'restore', ours, '--target', folder),
} as const

/** Restores a snapshot of ours to an empty phone, by way of a folder and idevicebackup2. */
async function restoreWithTheirs(
  original: Original,
  { writer, flags }: { writer: keyof typeof WRITERS; flags: readonly string[] },
): Promise<void> {
  await using phone = await openEmptyPhone()
  const folder = join(phone.folder, 'written')
  await WRITERS[writer](phone, original, folder)
  const { udid, password } = original
  const secrets = password === undefined ? [] : ['--password', password]
  const args = ['-s', udid, 'restore', '--system', '--settings', ...flags, ...secrets, folder]
  assert.match(await idevicebackup2(phone, ...args), /Restore Successful/)
  await assertBecame(phone, original)
}

/** Restores a snapshot to an empty phone with our command; a backup of that phone then holds what is on it. */
async function restoreWithOurs(original: Original, snapshot: readonly string[]): Promise<void> {
  await using phone = await openEmptyPhone()
  const target = ['--to-phone', phone.virtual.udid, '--remove-items-not-restored', '--yes']
  await phonekeepOn(phone, original, 'restore', ...snapshot, ...target)
  await assertBecame(phone, original)
  assert.deepEqual(await entriesOfNewBackup(phone, original.password), await entriesOfPhone(phone.virtual.contents))
}

async function entriesOfNewBackup(world: World, password?: string): Promise<KeptEntries> {
  const { snapshot } = await world.backUp()
  const repository = await world.repository()
  await repository.loadIndex({ signal: NEVER })
  await using set = await openBackupSet(await openSnapshotFiles(repository, snapshot, { signal: NEVER }), {
    password: password === undefined ? undefined : new Secret(password),
    tempFolder: world.folder,
    signal: NEVER,
  })
  assert.equal(set.isEncrypted, password !== undefined)
  return await entriesOfBackup(set)
}

const [plain, encrypted] = await Promise.all([openOriginal(), openOriginal(BACKUP_PASSWORD)])

// Side by side: idevicebackup2 spends most of its time asleep.
describe('another, empty phone becomes the one that was backed up', { concurrency: true }, () => {
  const withRemove = { writer: 'phonekeep restore --to', flags: ['--remove'] } as const
  const without = { writer: 'restic restore', flags: [] } as const
  for (const [kind, original] of Object.entries({ plain, encrypted })) {
    test(`${kind}: by Phonekeep, restored by "phonekeep restore --to" and "idevicebackup2 restore --remove"`, () =>
      restoreWithTheirs(original, withRemove))
    test(`${kind}: by Phonekeep, restored by "restic restore" and "idevicebackup2 restore"`, () =>
      restoreWithTheirs(original, without))
    test(`${kind}: by idevicebackup2 and "restic backup", restored by "phonekeep restore --to-phone"`, () =>
      restoreWithOurs(original, ['latest', '--host', THEIRS]))
    test(`${kind}: by Phonekeep, restored by "phonekeep restore --to-phone"`, () =>
      restoreWithOurs(original, [original.ours]))
  }
})
