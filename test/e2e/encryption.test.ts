import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openBackupSet } from '../../src/backup-set/index.ts'
import { NEVER } from '../../src/base/abort.ts'
import { isAppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import {
  type BackupEvent,
  type BackupOutcome,
  changeEncryption,
  cloudBackupError,
  passwordChangeError,
  readBackupSettings,
  type SettingsChange,
  switchCloudBackup,
} from '../../src/device/index.ts'
import type { Snapshot } from '../../src/repository/index.ts'
import { openSnapshotFiles } from '../../src/run/snapshot-files.ts'
import { hashFolder } from '../testing/backup-folder.ts'
import { checksFor, digestsOf, FEW_ITERATIONS, openNewPhone, restoreTo } from '../testing/restore-world.ts'
import { openWorld, recorder, type World } from '../testing/world.ts'

const signal = NEVER
const FIRST = new Secret('Straße 7 🔑')
const SECOND = new Secret('correct horse battery staple')
const code = (expected: string) => (error: unknown) => isAppError(error, expected)

const encrypting = (password?: Secret) => ({
  encryption: { iterations: FEW_ITERATIONS, ...(password && { password }) },
})

/** A phone with a backup password, for tests that leave it as it was. */
const world = await openWorld({ files: 120, bytes: 2_000_000, virtual: encrypting(FIRST) })
after(() => world[Symbol.asyncDispose]())

/** What the snapshot holds, decrypted: bytes by domain and path. */
async function readAll(of: World, snapshot: Snapshot, password: Secret): Promise<ReadonlyMap<string, Buffer>> {
  const repository = await of.repository()
  await repository.loadIndex({ signal })
  const files = await openSnapshotFiles(repository, snapshot, { signal })
  await using set = await openBackupSet(files, { password, tempFolder: of.folder, signal })
  assert.equal(set.isEncrypted, true)
  const found = new Map<string, Buffer>()
  for (const entry of set.entries()) {
    if (entry.kind !== 'file') continue
    const content = Buffer.concat(await Array.fromAsync(set.read(entry, { signal })))
    found.set(`${entry.domain}/${entry.relativePath}`, content)
  }
  return found
}

/** What the virtual phone holds. */
async function phoneFiles({ virtual: { contents } }: World): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>()
  for (const entry of contents.entries()) {
    if (entry.kind !== 'file') continue
    const content = Buffer.concat(await Array.fromAsync(contents.read(entry, { signal })))
    found.set(`${entry.domain}/${entry.relativePath}`, content)
  }
  return found
}

test('a phone with a backup password is backed up as it is, in full and then what changed', async () => {
  const first = await world.backUp()
  const before = await phoneFiles(world)
  world.virtual.contents.change({ seed: 2, add: 2, rewrite: 3, remove: 1 })
  const { events, onEvent } = recorder()
  const second = await world.backUp({ onEvent })
  assert.deepEqual(await readAll(world, first.snapshot, FIRST), before)
  assert.deepEqual(await readAll(world, second.snapshot, FIRST), await phoneFiles(world))
  const sent = events.filter(({ kind }) => kind === 'file-received').length
  assert.ok(sent < 20, `${sent} files were sent again`)
})

test('an encrypted snapshot is restored with its password, which is then the phone’s', async () => {
  const { snapshot } = await world.backUp()
  const repository = await world.repository()
  await using phone = await openNewPhone({ virtual: encrypting() })
  const source = { repository, snapshot, password: FIRST }
  assert.equal((await checksFor(phone, source)).get('password')?.verdict, 'ok')
  const { events } = await restoreTo(phone, source, { options: { removeItemsNotRestored: true } })
  assert.deepEqual(await digestsOf(phone.virtual.contents), await digestsOf(world.virtual.contents))
  assert.equal(phone.virtual.agent.encryption.password?.reveal(), FIRST.reveal())
  assert.doesNotMatch(JSON.stringify(events), new RegExp(FIRST.reveal()))
})

test('a missing or wrong password stops a restore here, before the phone hears of it', async () => {
  const { snapshot } = await world.backUp()
  const repository = await world.repository()
  await using phone = await openNewPhone({ virtual: encrypting() })
  for (const password of [undefined, SECOND]) {
    const source = { repository, snapshot, ...(password && { password }) }
    const checks = await checksFor(phone, source)
    assert.equal(checks.get('password')?.verdict, 'stop')
    assert.equal(checks.get('complete')?.verdict, 'warn')
    await assert.rejects(restoreTo(phone, source), code('run.restore-stopped'))
    const despite = restoreTo(phone, source, { despite: ['password'] })
    await assert.rejects(
      despite,
      (error) => isAppError(error, 'device.password-wrong') && !/staple/.test(String(error)),
    )
  }
})

const changed = ({ outcome, before, after }: SettingsChange) => [outcome.outcome, before.willEncrypt, after.willEncrypt]

function refusalIn(outcome: BackupOutcome) {
  assert.ok(outcome.outcome === 'refused')
  return outcome
}

test('a backup password is set, changed and removed, and every backup follows', async () => {
  await using world = await openWorld({ virtual: encrypting() })
  const phone = await world.phone()
  assert.deepEqual(changed(await changeEncryption(phone, { new: FIRST, signal })), ['finished', false, true])
  const encrypted = await world.backUp()
  assert.deepEqual(await readAll(world, encrypted.snapshot, FIRST), await phoneFiles(world))

  assert.deepEqual(changed(await changeEncryption(phone, { old: FIRST, new: SECOND, signal })), [
    'finished',
    true,
    true,
  ])
  const again = await world.backUp()
  assert.deepEqual(await readAll(world, again.snapshot, SECOND), await phoneFiles(world))
  assert.deepEqual(
    await readAll(world, encrypted.snapshot, FIRST),
    await phoneFiles(world),
    'snapshots stay as they are',
  )

  assert.deepEqual(changed(await changeEncryption(phone, { old: SECOND, signal })), ['finished', true, false])
  const plain = await world.backUp()
  const checks = await checksFor(world, { repository: await world.repository(), snapshot: plain.snapshot })
  assert.match(checks.get('password')?.saw ?? '', /not encrypted/)
})

test('a wrong old password changes nothing and is told as such', async () => {
  const phone = await world.phone()
  for (const passwords of [{ old: SECOND, new: FIRST }, { old: SECOND }, { new: SECOND }]) {
    const change = await changeEncryption(phone, { ...passwords, signal })
    assert.deepEqual(changed(change), ['refused', true, true])
    assert.equal(passwordChangeError(refusalIn(change.outcome)).code, 'device.password-wrong')
  }
})

test('the phone asks for its passcode before the password changes, which is told; refused, nothing changes', async () => {
  await using world = await openWorld({ virtual: { ...encrypting(), condition: { passcode: '1234' } } })
  const { condition } = world.virtual
  const phone = await world.phone()
  const events: string[] = []
  const onEvent = ({ kind }: BackupEvent) => {
    events.push(kind)
    if (kind === 'passcode-asked') condition.passcodeSheet.enter()
  }
  assert.deepEqual(changed(await changeEncryption(phone, { new: FIRST, onEvent, signal })), ['finished', false, true])
  assert.deepEqual(events.slice(0, 2), ['passcode-asked', 'passcode-done'])
  condition.set({ passcodePrompt: 'refuse' })
  const refused = await changeEncryption(phone, { old: FIRST, signal })
  assert.deepEqual(changed(refused), ['refused', true, true])
  assert.equal(passwordChangeError(refusalIn(refused.outcome)).code, 'device.backup-no-passcode')
})

test('device management that demands encryption keeps the password from being removed', async () => {
  await using world = await openWorld({ virtual: { ...encrypting(FIRST), condition: { requiresEncryption: true } } })
  const phone = await world.phone()
  assert.equal((await readBackupSettings(phone, { signal })).requiresEncryption, true)
  const change = await changeEncryption(phone, { old: FIRST, signal })
  assert.deepEqual(changed(change), ['refused', true, true])
  assert.equal(passwordChangeError(refusalIn(change.outcome)).code, 'device.backup-forbidden')
})

test('no password reaches the repository’s folder or anything beside it', async () => {
  await world.backUp()
  for (const [path] of await hashFolder(world.folder)) {
    const content = await readFile(join(world.folder, path))
    assert.ok(!content.includes(FIRST.reveal()), path)
  }
})

test('iCloud Backup is turned off and on, and the phone’s word is read again', async () => {
  const phone = await world.phone()
  const off = await switchCloudBackup(phone, { isOn: false, signal })
  assert.deepEqual([off.before.cloudBackupEnabled, off.after.cloudBackupEnabled], [true, false])
  const on = await switchCloudBackup(phone, { isOn: true, signal })
  assert.deepEqual([on.outcome.outcome, on.after.cloudBackupEnabled], ['finished', true])
})

test('iCloud Backup without an account, or forbidden, is refused with what to do', async () => {
  await using world = await openWorld({ virtual: { condition: { forbidsCloudBackup: true } } })
  const phone = await world.phone()
  await switchCloudBackup(phone, { isOn: false, signal })
  const forbidden = await switchCloudBackup(phone, { isOn: true, signal })
  assert.equal(cloudBackupError(refusalIn(forbidden.outcome)).code, 'device.backup-forbidden')
  assert.equal(forbidden.after.cloudBackupEnabled, false)
  world.virtual.condition.set({ hasCloudAccount: false })
  const { outcome } = await switchCloudBackup(phone, { isOn: true, signal })
  assert.equal(cloudBackupError(refusalIn(outcome)).code, 'device.cloud-no-account')
})
