import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileIdOf } from '../../src/backup-set/index.ts'
import { NEVER } from '../../src/base/abort.ts'
import { systemClock } from '../../src/base/clock.ts'
import { isAppError } from '../../src/base/errors.ts'
import { openAfc } from '../../src/device/index.ts'
import {
  type CowTree,
  listSnapshots,
  openTree,
  openWriter,
  parseId,
  saveSnapshot,
  shortId,
  type TreePath,
} from '../../src/repository/index.ts'
import type { RestoreCheck, RestoreCheckName, RestoreEvent } from '../../src/run/index.ts'
import type { ConditionState } from '../../src/virtual-phone/index.ts'
import { hashFolder } from '../testing/backup-folder.ts'
import { phonekeep, surroundings } from '../testing/phonekeep.ts'
import { restic } from '../testing/restic.ts'
import { checksFor, digestsOf, openNewPhone, restoreTo, type Source } from '../testing/restore-world.ts'
import { openWorld, type World } from '../testing/world.ts'

/** A phone with one snapshot, which no test changes, and what the phone held then. */
const original = await openWorld({ files: 200, bytes: 4_000_000 })
after(() => original[Symbol.asyncDispose]())
const { snapshot } = await original.backUp()
const originalDigests = await digestsOf(original.virtual.contents)
const sourceOf = async (world: World): Promise<Source> => ({ repository: await world.repository(), snapshot })
const source = await sourceOf(original)

const code = (expected: string) => (error: unknown) => isAppError(error, expected)
const APPS_FOLDER = '/iTunesRestore'

/** What AFC has of the list of apps to install. */
async function appsLeftOn(world: World): Promise<readonly string[] | undefined> {
  await using afc = await openAfc(await world.phone(), { signal: NEVER })
  return await afc.list(APPS_FOLDER, { signal: NEVER })
}

test('a new phone becomes the old one, byte for byte, and restarts; the repository stays as it was', async () => {
  await using phone = await openNewPhone()
  const before = await hashFolder(original.repositoryFolder)
  const { restored, events } = await restoreTo(phone, source, { options: { removeItemsNotRestored: true } })
  assert.deepEqual(await digestsOf(phone.virtual.contents), originalDigests)
  assert.equal(phone.virtual.condition.boots, 2)
  assert.equal(phone.virtual.values.get('', 'DeviceName'), original.virtual.identity.deviceName)
  assert.deepEqual(
    await hashFolder(original.repositoryFolder),
    before,
    'the lock is gone, and nothing else was written',
  )

  const sent = events.filter(({ kind }) => kind === 'file-sent').length
  assert.equal(restored.sentFiles, sent)
  assert.ok(restored.sentBytes >= original.virtual.contents.totals.bytes)
  assert.deepEqual(events.find(({ kind }) => kind === 'progress')?.kind, 'progress')
  assert.deepEqual(await appsLeftOn(phone), ['RestoreApplications.plist'])
})

test('what is on the phone beside stays unless it is asked to go', async () => {
  await using phone = await openNewPhone()
  const own = (await digestsOf(phone.virtual.contents)).find(({ relativePath }) => relativePath.endsWith('factory.txt'))
  await restoreTo(phone, source)
  const digests = await digestsOf(phone.virtual.contents)
  assert.deepEqual(
    digests.filter((digest) => digest.relativePath !== own?.relativePath),
    originalDigests,
  )
  assert.ok(digests.some(({ relativePath }) => relativePath === own?.relativePath))
})

test('a phone goes back to how it was, with its own backup neither copied nor touched', async () => {
  await using phone = await openWorld({ seed: 3, virtual: { condition: { isFindMyOn: false } } })
  const { contents } = phone.virtual
  const before = await digestsOf(contents)
  const { snapshot } = await phone.backUp()
  contents.change({ seed: 4, add: 5, rewrite: 5, move: 3, remove: 5 })
  const repository = await phone.repository()
  const files = await hashFolder(phone.repositoryFolder)
  const options = { removeItemsNotRestored: true, restoreDontCopyBackup: false }
  const { events } = await restoreTo(phone, { repository, snapshot }, { options })
  assert.deepEqual(await digestsOf(contents), before)
  assert.ok(
    events.some((event) => event.kind === 'space-asked' && event.freeBytes < 2 ** 27),
    'the phone wanted a copy',
  )
  assert.deepEqual(await hashFolder(phone.repositoryFolder), files)
  await phone.backUp()
})

test('only the chosen apps come over', async () => {
  await using phone = await openNewPhone()
  const bundleId = 'net.whatsapp.WhatsApp'
  const isTheirs = ({ domain }: { domain: string }) => domain === `AppDomain-${bundleId}`
  await restoreTo(phone, source, { options: { applicationIds: [bundleId] } })
  const digests = await digestsOf(phone.virtual.contents)
  const files = (all: typeof digests) => all.filter((digest) => digest.kind === 'file')
  assert.deepEqual(files(digests.filter(isTheirs)), files(originalDigests.filter(isTheirs)))
  assert.ok(files(digests.filter(isTheirs)).length > 0)
  assert.deepEqual(
    files(digests.filter(({ domain }) => !domain.includes(bundleId))).map(({ relativePath }) => relativePath),
    ['Library/Preferences/factory.txt'],
  )
})

test('a backup folder that plain restic stored, anywhere on a disk, restores as well', async () => {
  await using phone = await openNewPhone()
  const folder = join(original.folder, 'MobileSync', 'Backup')
  await restic(original.repositoryFolder, 'restore', snapshot.id, '--target', folder)
  await restic(original.repositoryFolder, 'backup', '--host', 'elsewhere', folder)
  const repository = await original.repository()
  const snapshots = await listSnapshots(repository, { signal: NEVER, onDamaged: assert.fail })
  const theirs = snapshots.find(({ hostname }) => hostname === 'elsewhere')
  assert.ok(theirs !== undefined)
  await restoreTo(phone, { repository, snapshot: theirs }, { options: { removeItemsNotRestored: true } })
  assert.deepEqual(await digestsOf(phone.virtual.contents), originalDigests)
})

/** A phone that no restore succeeds on; every test puts its state back. */
const spare = await openNewPhone()
after(() => spare[Symbol.asyncDispose]())
const { condition, contents: spareContents, values } = spare.virtual
const everyday = condition.state
const spareDigests = await digestsOf(spareContents)

async function whileSpareIs(state: Partial<ConditionState>, work: () => Promise<unknown>): Promise<void> {
  condition.set(state)
  try {
    await work()
  } finally {
    condition.set(everyday)
  }
}

const verdictOf = async (check: RestoreCheckName) => (await checksFor(spare, source)).get(check)?.verdict

/** What a guard rail stops a restore for, and what the phone itself says to one that goes on all the same. */
const STOPS: readonly (readonly [RestoreCheckName, Partial<ConditionState>, string])[] = [
  ['find-my', { isFindMyOn: true }, 'device.find-my-on'],
  ['room', { freeBytes: 1_000_000 }, 'device.phone-full'],
  ['battery', { power: 'battery', batteryPercent: 49, forbidsBackup: true }, 'device.backup-forbidden'],
]

for (const [check, state, refusal] of STOPS) {
  test(`"${check}" stops a restore before the phone is asked for anything`, async () => {
    await whileSpareIs(state, () => stopsFor(check, refusal))
  })
}

test('somebody who does not agree has seen the checks, and the phone is not asked for anything', async () => {
  const refusal = new Error('No')
  const events: RestoreEvent[] = []
  const agree = async (checks: readonly RestoreCheck[]) => {
    assert.deepEqual(
      checks,
      events.map((event) => event.kind === 'checked' && event.check),
    )
    throw refusal
  }
  await assert.rejects(restoreTo(spare, source, { agree, onEvent: (event) => events.push(event) }), refusal)
  assert.ok(events.length > 0)
  assert.deepEqual(await digestsOf(spareContents), spareDigests)
  const nobody = await phonekeep(
    ['restore', snapshot.id, '--to-phone', original.virtual.udid, '--despite', 'find-my'],
    surroundings(original),
  )
  assert.equal(nobody.exitCode, 1)
  assert.match(nobody.err, /\[cli\.not-agreed\]/)
})

test("the latest snapshot for a phone is its own, though another phone's is newer", async () => {
  const time = Temporal.Instant.from(snapshot.time).add({ hours: 1 }).toString()
  const other = { ...snapshot, time, paths: ['/00008120-0000000000000001'], hostname: 'iphone-00000001', tags: ['Bo'] }
  const newer = await saveSnapshot(source.repository, other, { signal: NEVER })
  const toPhone = ['restore', 'latest', '--to-phone', original.virtual.udid.toLowerCase(), '--dry-run', '--json']
  const own = await phonekeep(toPhone, surroundings(original))
  assert.equal(JSON.parse(own.out).snapshot, snapshot.id, own.err)
  assert.ok(own.err.includes(`Looking at snapshot ${shortId(snapshot.id)} of `), own.err)
  const named = await phonekeep([...toPhone, '--host', 'iphone-00000001'], surroundings(original))
  assert.match(named.err, new RegExp(`Looking at snapshot ${shortId(newer.id)} of .* \\(Bo\\)`))
})

test('a dry run shows the checks, and ends as the restore would', async () => {
  const dryRun = ['restore', snapshot.id, '--to-phone', original.virtual.udid, '--dry-run']
  const stopped = await phonekeep([...dryRun, '--json'], surroundings(original))
  assert.equal(stopped.exitCode, 23, stopped.err)
  assert.match(stopped.err, /Find My.*\[run\.restore-stopped\]/s)
  const { checks }: { checks: readonly RestoreCheck[] } = JSON.parse(stopped.out)
  const stops = checks.filter(({ verdict }) => verdict === 'stop').map(({ check }) => check)
  assert.deepEqual(stops, ['find-my'])
  const despite = await phonekeep([...dryRun, '--despite', 'find-my'], surroundings(original))
  assert.equal(despite.exitCode, 0, despite.err)
  assert.match(despite.out, /^STOP +Find My is on\. .*\[find-my\]$/m)
  assert.deepEqual(await digestsOf(original.virtual.contents), originalDigests)
})

async function stopsFor(check: RestoreCheckName, refusal: string): Promise<void> {
  const found = (await checksFor(spare, source)).get(check)
  assert.ok(found?.verdict === 'stop' && found.remedy.length > 20)
  const events: RestoreEvent[] = []
  const stopped = restoreTo(spare, source, { onEvent: (event) => events.push(event) })
  await assert.rejects(stopped, (error) => isAppError(error, 'run.restore-stopped') && error.remedy === found.remedy)
  assert.deepEqual(new Set(events.map(({ kind }) => kind)), new Set(['checked']))
  assert.deepEqual(await readdir(join(original.repositoryFolder, 'locks')), [])

  await assert.rejects(restoreTo(spare, source, { despite: [check] }), code(refusal))
  assert.deepEqual(await digestsOf(spareContents), spareDigests)
  assert.equal(await appsLeftOn(spare), undefined, 'the list of apps is taken away again')
}

test('an older iOS on the phone stops a restore', async () => {
  const { productVersion } = spare.virtual.identity
  values.set('', 'ProductVersion', '17.7')
  await stopsFor('ios', 'device.restore-too-new')
  values.set('', 'ProductVersion', productVersion)
})

test('a battery that is low but charging, or full enough, is no reason to stop; a dead cable is no charger', async () => {
  for (const [power, batteryPercent, verdict] of [
    ['charging', 3, 'ok'],
    ['battery', 50, 'ok'],
    ['dead-cable', 20, 'stop'],
  ] as const) {
    await whileSpareIs({ power, batteryPercent }, async () => assert.equal(await verdictOf('battery'), verdict))
  }
})

test('an iPad is warned of a backup of an iPhone; a supervised phone with iOS 27 is not restored', async () => {
  const { productVersion, model } = spare.virtual.identity
  values.set('', 'ProductVersion', '27.0')
  values.set('', 'ProductType', 'iPad14,1')
  assert.equal(await verdictOf('model'), 'warn')
  await whileSpareIs({ isSupervised: true }, async () => assert.equal(await verdictOf('supervision'), 'stop'))
  values.set('', 'ProductVersion', productVersion)
  values.set('', 'ProductType', model.productType)
})

/** The snapshot with some of its paths changed, as a snapshot of its own. */
async function alteredSnapshot(alter: (tree: CowTree, root: string) => Promise<unknown>) {
  const repository = await original.repository()
  await repository.loadIndex({ signal: NEVER })
  await using writer = openWriter(repository, { clock: systemClock, signal: NEVER })
  const tree = openTree(writer, snapshot.tree)
  await alter(tree, original.virtual.udid)
  const fields = { ...snapshot, hostname: 'altered', tree: await tree.commit({ signal: NEVER }) }
  await writer.flush({ signal: NEVER })
  return { repository, snapshot: await saveSnapshot(repository, fields, { signal: NEVER }) }
}

test('files that the list names and the snapshot has not are counted and named', async () => {
  const files = [...original.virtual.contents.entries()].filter(({ kind, size }) => kind === 'file' && size > 0)
  const ids = files.slice(0, 3).map((entry) => fileIdOf(entry))
  const placeOf = (root: string, id: string): TreePath => [root, id.slice(0, 2), id]
  const lacking = await alteredSnapshot(async (tree, root) => {
    await tree.remove(placeOf(root, ids[0]!), { signal: NEVER })
    await tree.remove(placeOf(root, ids[1]!), { signal: NEVER })
    await tree.putFile(placeOf(root, ids[2]!), { content: [], sizeBytes: 0, modifiedMs: 0 }, { signal: NEVER })
  })
  const found = (await checksFor(spare, lacking)).get('complete')
  assert.equal(found?.verdict, 'stop')
  for (const id of ids) assert.ok(found.saw.includes(id), found.saw)
  assert.match(found.saw, /^2 of 200 files/)
  await assert.rejects(restoreTo(spare, lacking), code('run.restore-stopped'))
  await assert.rejects(restoreTo(spare, lacking, { despite: ['complete'] }), code('device.restore-damaged'))
})

test('a file that was emptied is a warning', async () => {
  const entry = [...original.virtual.contents.entries()].find(({ kind, size }) => kind === 'file' && size > 0)
  const id = fileIdOf(entry!)
  const lacking = await alteredSnapshot((tree, root) =>
    tree.putFile([root, id.slice(0, 2), id], { content: [], sizeBytes: 0, modifiedMs: 0 }, { signal: NEVER }),
  )
  const found = (await checksFor(spare, lacking)).get('complete')
  assert.equal(found?.verdict, 'warn')
  assert.match(found?.saw ?? '', new RegExp(`^1 of 200 files are empty.*${id}`))
})

test('data that the repository has lost is noticed before, and ends a restore that goes on all the same', async () => {
  const entry = [...original.virtual.contents.entries()].find(({ kind, size }) => kind === 'file' && size > 0)
  const id = fileIdOf(entry!)
  const lost = parseId('f'.repeat(64))!
  const lacking = await alteredSnapshot((tree, root) =>
    tree.putFile([root, id.slice(0, 2), id], { content: [lost], sizeBytes: 9, modifiedMs: 0 }, { signal: NEVER }),
  )
  const found = (await checksFor(spare, lacking)).get('complete')
  assert.equal(found?.verdict, 'stop')
  await assert.rejects(restoreTo(spare, lacking, { despite: ['complete'] }), code('repo.damaged'))
  assert.deepEqual(await digestsOf(spareContents), spareDigests)
})

test('a snapshot whose list or state is damaged is not restored, and without a backup in it it is none', async () => {
  const empty = { content: [], sizeBytes: 0, modifiedMs: 0 }
  const broken = await alteredSnapshot(async (tree, root) => {
    await tree.putFile([root, 'Manifest.db'], empty, { signal: NEVER })
    await tree.putFile([root, 'Status.plist'], empty, { signal: NEVER })
  })
  const checks = await checksFor(spare, broken)
  assert.equal(checks.get('complete')?.verdict, 'stop')
  assert.equal(checks.get('finished')?.verdict, 'stop')
  const none = await alteredSnapshot((tree, root) => tree.remove([root, 'Manifest.plist'], { signal: NEVER }))
  await assert.rejects(restoreTo(spare, none), code('run.no-backup'))
})

test('a cable pulled in the middle leaves the phone as it was and nothing behind; the next restore works', async () => {
  await using phone = await openNewPhone()
  const before = await digestsOf(phone.virtual.contents)
  phone.virtual.faults.add({
    do: 'cut',
    service: 'com.apple.mobilebackup2',
    from: 'host',
    afterBytes: 2_000_000,
    times: 2,
  })
  await assert.rejects(restoreTo(phone, source), code('wire.closed'))
  const surrounding = { ...surroundings(phone), RESTIC_REPOSITORY: original.repositoryFolder }
  const cut = await phonekeep(['restore', snapshot.id, '--to-phone', phone.virtual.udid, '--yes'], surrounding)
  assert.match(cut.err, /is not restored\. .* begins anew\.\n.*\[wire\.closed\]/s)
  assert.equal(phone.virtual.faults.fired.length, 2)
  assert.deepEqual(await digestsOf(phone.virtual.contents), before)
  assert.equal(await appsLeftOn(phone), undefined)
  assert.deepEqual(await readdir(join(original.repositoryFolder, 'locks')), [])
  await restoreTo(phone, source, { options: { removeItemsNotRestored: true } })
  assert.deepEqual(await digestsOf(phone.virtual.contents), originalDigests)
})

test('an abort, and a cancel on the phone, end a restore at once', async () => {
  const abort = new AbortController()
  const onSent = (act: () => void) => (event: RestoreEvent) => {
    if (event.kind === 'file-sent' && event.path.length === 3) act()
  }
  const onEvent = onSent(() => abort.abort(new Error('enough')))
  await assert.rejects(restoreTo(spare, source, { signal: abort.signal, onEvent }), /enough/)
  const cancel = onSent(() => spare.virtual.post('com.apple.itunes-client.syncCancelRequest'))
  await assert.rejects(restoreTo(spare, source, { onEvent: cancel }), code('run.cancelled'))
  assert.deepEqual(await readdir(join(original.repositoryFolder, 'locks')), [])
})
