import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { systemClock } from '../../base/clock.ts'
import { AppError } from '../../base/errors.ts'
import { Secret } from '../../base/secret.ts'
import { createRepository, openLocalBackend, openRepository } from '../../repository/index.ts'
import { openNotebook } from '../notes/notebook.ts'
import { noteRun } from '../notes/notes.ts'
import { openPhoneUnderLook } from '../testing/phone-under-look.ts'
import { lookAt, type Sources } from './gather.ts'

const signal = NEVER
const clock = systemClock
const world = await openPhoneUnderLook()
after(() => world[Symbol.asyncDispose]())
const { folder, virtual } = world
const { udid } = virtual
const notebook = openNotebook(join(folder, 'doctor'))

async function openedRepository() {
  const place = join(folder, 'repository')
  const password = new Secret('secret')
  const kdf = { N: 1024, r: 8, p: 1 }
  await createRepository(openLocalBackend(place), { password, clock, signal, kdf })
  return () => openRepository(openLocalBackend(place), { password, signal })
}

const openOwn = await openedRepository()

async function lookWith(overrides: Partial<Sources> = {}) {
  const { facts } = await lookAt({
    udid,
    phone: await world.phone(),
    feeds: { addresses: { status: undefined, updates: undefined }, cacheFolder: join(folder, 'feeds') },
    repository: undefined,
    notebook,
    clock,
    signal,
    ...overrides,
  })
  return facts.readings
}

test('a look is noted, and stands in for a phone that is away', async () => {
  const { cloudLastMs } = await lookWith()
  assert.ok(cloudLastMs?.kind === 'known' && cloudLastMs.source === 'lockdown')
  const { samples, boot, lastSeenMs } = await notebook.read(udid)
  assert.equal(samples.length, 1)
  assert.ok(boot !== undefined && lastSeenMs !== undefined)
  const away = await lookWith({ phone: 'not-found', obstacle: 'device.no-usbmuxd' })
  assert.equal(away.reach?.kind, 'absent')
  assert.equal(away.obstacle?.kind === 'known' && away.obstacle.value, 'device.no-usbmuxd')
  assert.ok(away.cloudLastMs?.kind === 'known' && away.cloudLastMs.source === 'notes')
  assert.equal(away.lastSeenMs?.kind === 'known' && away.lastSeenMs.value, lastSeenMs)
  assert.equal(away.cloudSwitch, undefined)
})

test('without a phone to look at, nothing of a phone is said', async () => {
  const readings = await lookWith({ udid: undefined, phone: 'not-meant' })
  assert.equal(readings.reach, undefined)
})

test('that a phone forbade iCloud Backup holds until it is on', async () => {
  await notebook.change(udid, (notes) => ({ ...notes, cloudForbiddenMs: 7 }))
  virtual.values.set('com.apple.mobile.backup', 'CloudBackupEnabled', false)
  const { management } = await lookWith()
  virtual.values.set('com.apple.mobile.backup', 'CloudBackupEnabled', true)
  assert.equal(management?.kind === 'known' && management.value.forbidsCloud, true)
  const later = (await lookWith()).management
  assert.equal(later?.kind === 'known' && later.value.forbidsCloud, undefined)
})

const repositoryWith = (open: NonNullable<Sources['repository']>['open']) => ({
  open,
  backupPassword: undefined,
  tempFolder: folder,
})

test('a repository that does not open says why', async () => {
  const error = new AppError('repo.wrong-password', 'Wrong', { remedy: 'Another' })
  const { repositoryObstacle, ownLastMs } = await lookWith({ repository: repositoryWith(() => Promise.reject(error)) })
  assert.equal(repositoryObstacle?.kind === 'known' && repositoryObstacle.value, 'repo.wrong-password')
  assert.deepEqual(ownLastMs, { kind: 'unread', why: 'refused', note: 'repo.wrong-password' })
})

test('a repository without a snapshot of this phone has none, and a run that failed is known', async () => {
  await notebook.change(udid, (notes) => noteRun(notes, { atMs: 9, failure: 'device.backup-no-passcode' }))
  const { repositoryObstacle, ownLastMs, ownRoom, ownAllowance, ownFailure } = await lookWith({
    repository: repositoryWith(openOwn),
  })
  assert.deepEqual([repositoryObstacle?.kind, ownLastMs?.kind, ownRoom?.kind], ['absent', 'absent', 'known'])
  assert.equal(ownAllowance?.kind, 'absent')
  assert.equal(ownFailure?.kind === 'known' && ownFailure.value.code, 'device.backup-no-passcode')
})

test('the allowance of the last run is what the repository may still take', async () => {
  await notebook.change(udid, (notes) => noteRun(notes, { atMs: 10, allowanceBytes: 5e9 }))
  const { ownAllowance } = await lookWith({ repository: repositoryWith(openOwn) })
  assert.deepEqual(ownAllowance?.kind === 'known' && ownAllowance.value, { usedBytes: 0, totalBytes: 5e9 })
})

test('notes that cannot be kept are no reason to see less', async () => {
  await writeFile(join(folder, 'file'), '')
  const readings = await lookWith({ notebook: openNotebook(join(folder, 'file', 'below')) })
  assert.equal(readings.cloudSwitch?.kind, 'known')
})
