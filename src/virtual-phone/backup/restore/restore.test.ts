import assert from 'node:assert/strict'
import { mkdtempDisposable, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { dictOf, encodeBinaryPlist, encodeXmlPlist, type PlistDict, parsePlist } from '../../../plist/index.ts'
import type { PhoneContents } from '../../contents/index.ts'
import { newPhone, type PhoneForTests, UDID } from '../../testing/phone-for-tests.ts'
import { backedUp, copyOf, digestsOf, newEmptyPhone, restoreTo } from '../../testing/restoring.ts'
import { hold, newHost, type ScriptedHost } from '../../testing/scripted-host.ts'
import { scopeOf } from './scope.ts'

/** All temporary files of this process, and no others. */
const temp = await mkdtempDisposable(join(tmpdir(), 'restore-test-'))
process.env.TMPDIR = temp.path
after(() => temp.remove())

const newTestPhone = () => newPhone({ files: 140, bytes: 400_000 })
const original = newTestPhone()
const originalDigests = await digestsOf(original.contents)
const backup = await backedUp(original)
after(() => original.contents[Symbol.asyncDispose]())

const CHANGES = { seed: 3, add: 4, rewrite: 6, move: 5, remove: 7 }
const ADDED = { domain: 'HomeDomain', relativePath: 'Library/after the backup.txt' }
const ADDED_TO_APP = { domain: 'AppDomain-com.example.new', relativePath: 'Documents/new.txt' }

/** The phone that was backed up, some time later. */
function changedPhone(): PhoneForTests {
  const phone = newTestPhone()
  phone.contents.change(CHANGES)
  phone.contents.write(ADDED, Buffer.from('new'))
  phone.contents.write(ADDED_TO_APP, Buffer.from('newer'))
  return phone
}

const shorten = (lines: readonly string[]) => lines.map((line) => line.replaceAll(UDID, 'U'))
const domainsOf = (contents: PhoneContents) => new Set(Array.from(contents.entries(), ({ domain }) => domain))

/** The host's backup says something else about itself. */
function withManifest(host: ScriptedHost, change: (manifest: PlistDict) => PlistDict): ScriptedHost {
  const path = `${UDID}/Manifest.plist`
  const copy = copyOf(host)
  copy.files.set(path, encodeBinaryPlist(change(dictOf(parsePlist(copy.files.get(path)!))!)))
  return copy
}

// docs/protocol/mobilebackup2.md#restore
const READ_MANIFEST = ['download U/Manifest.plist', 'download U/Manifest.db']
const FILES = ['download U/**/* (128)', 'download U/**/* (12)']

test('a restore follows the documented order of messages', async () => {
  const phone = newTestPhone()
  await using _ = phone.contents
  const host = copyOf(backup)
  host.files.set(`${UDID}/Info.plist`, encodeXmlPlist({ 'Product Version': '17.5' }))
  const { response, transcript } = await restoreTo(phone, host)
  assert.equal(response?.ErrorCode, 0)
  assert.deepEqual(shorten(transcript), [
    ...READ_MANIFEST,
    'download U/Status.plist',
    ...READ_MANIFEST,
    'download U/Info.plist',
    ...FILES,
  ])
})

test('a phone that has changed is afterwards what it was at the backup', async () => {
  const phone = changedPhone()
  await using _ = phone.contents
  assert.equal((await restoreTo(phone, backup)).response?.ErrorCode, 0)
  assert.deepEqual(await digestsOf(phone.contents), originalDigests)
  assert.deepEqual(phone.contents.totals, original.contents.totals)
})

test('a fresh phone becomes the one that was backed up, and its backup is the same to the byte', async () => {
  const phone = newEmptyPhone()
  await using _ = phone.contents
  phone.appsToInstall = new Set(original.contents.apps.map(({ bundleId }) => bundleId))
  assert.equal((await restoreTo(phone, backup)).response?.ErrorCode, 0)
  assert.deepEqual(await digestsOf(phone.contents), originalDigests)
  const again = await backedUp({ ...phone, udid: UDID })
  const payload = ({ files }: ScriptedHost) => new Map([...files].filter(([path]) => !path.endsWith('.plist')))
  assert.deepEqual(payload(again), payload(backup))
  const applications = ({ files }: ScriptedHost) =>
    dictOf(parsePlist(files.get(`${UDID}/Manifest.plist`)!))?.Applications
  assert.deepEqual(applications(again), applications(backup))
})

test('without RemoveItemsNotRestored everything that the backup has not is gone; with false it stays', async () => {
  const contentsAfter = async (options: PlistDict) => {
    const phone = changedPhone()
    await using _ = phone.contents
    await restoreTo(phone, backup, { options })
    return Array.from(phone.contents.entries(), ({ domain, relativePath }) => `${domain}-${relativePath}`)
  }
  const [absent, yes, no] = await Promise.all([
    contentsAfter({}),
    contentsAfter({ RemoveItemsNotRestored: true }),
    contentsAfter({ RemoveItemsNotRestored: false }),
  ])
  const added = ({ domain, relativePath }: typeof ADDED) => `${domain}-${relativePath}`
  assert.deepEqual(absent, yes)
  assert.equal(absent.length, originalDigests.length)
  for (const place of [ADDED, ADDED_TO_APP]) {
    assert.ok(!absent.includes(added(place)))
    assert.ok(no.includes(added(place)))
  }
  assert.equal(new Set([...no, ...absent]).size, no.length, 'and everything of the backup is there too')
})

test('without system files only apps and shared containers are restored, and the rest is left alone', async () => {
  const phone = changedPhone()
  await using _ = phone.contents
  const shared = 'SysSharedContainerDomain-systemgroup.com.apple.configurationprofiles'
  phone.contents.write({ domain: shared, relativePath: 'gone soon' }, Buffer.from('1'))
  const before = await digestsOf(phone.contents)
  await restoreTo(phone, backup, { options: { RestoreSystemFiles: false } })
  const isApp = ({ domain }: { domain: string }) => /^(App|SysShared)/.test(domain)
  const restored = await digestsOf(phone.contents)
  assert.deepEqual(restored.filter(isApp), originalDigests.filter(isApp))
  const others = (digests: typeof before) => digests.filter((entry) => !isApp(entry))
  assert.deepEqual(others(restored), others(before))
  assert.notDeepEqual(others(before), others(originalDigests))
})

for (const [deviceClass, isAll] of [
  ['iPhone', true],
  ['iPad', false],
] as const) {
  test(`a backup of an ${deviceClass} decides about system files on an iPhone by itself`, async () => {
    const phone = newEmptyPhone()
    await using _ = phone.contents
    phone.lockdown.set('', 'DeviceClass', 'iPhone')
    const host = withManifest(backup, (manifest) => ({
      ...manifest,
      Lockdown: { ...dictOf(manifest.Lockdown), DeviceClass: deviceClass },
    }))
    await restoreTo(phone, host, { options: { RestoreSystemFiles: !isAll } })
    assert.equal(domainsOf(phone.contents).has('CameraRollDomain'), isAll)
  })
}

test('ApplicationIDs limit a restore to the data of these apps, and nothing else changes', async () => {
  const phone = changedPhone()
  await using _ = phone.contents
  phone.lockdown.set('', 'DeviceName', 'Mine')
  const before = await digestsOf(phone.contents)
  const app = original.contents.apps.find(({ category }) => category === 'User')!.bundleId
  const place = { domain: `AppDomain-${app}`, relativePath: 'Documents/extra.txt' }
  phone.contents.write(place, Buffer.from('gone soon'))
  await restoreTo(phone, backup, { ApplicationIDs: [app] })
  const isOurs = ({ domain }: { domain: string }) => domain.includes(app)
  const after = await digestsOf(phone.contents)
  assert.equal(phone.contents.find(place), undefined)
  assert.deepEqual(after.filter(isOurs), originalDigests.filter(isOurs))
  assert.deepEqual(
    after.filter((entry) => !isOurs(entry)),
    before.filter((entry) => !isOurs(entry)),
  )
  assert.equal(phone.lockdown.get('', 'DeviceName'), 'Mine')
})

// Ours: docs/protocol/mobilebackup2.md#what-is-restored
test('an app has its own domain, its group and its plugins, and nothing that only begins like them', () => {
  const covers = scopeOf({ apps: ['com.a'], systemFiles: true }, { backupClass: undefined, phoneClass: 'iPhone' })
  const own = ['AppDomain-com.a', 'AppDomainGroup-group.com.a', 'AppDomainPlugin-com.a.share']
  const others = ['AppDomain-com.ab', 'AppDomainGroup-group.com.ab', 'AppDomainPlugin-com.ab.share', 'HomeDomain']
  assert.deepEqual([...own, ...others].filter(covers), own)
})

test('the phone takes the name of the backup, unless it is to keep its settings', async () => {
  const nameAfter = async (options: PlistDict) => {
    const phone = newEmptyPhone()
    await using _ = phone.contents
    phone.lockdown.set('', 'DeviceName', 'Mine')
    await restoreTo(phone, backup, { options })
    return phone.lockdown.get('', 'DeviceName')
  }
  assert.equal(await nameAfter({}), 'Phone for tests')
  assert.equal(await nameAfter({ RestorePreserveSettings: true }), 'Mine')
})

test('apps of the App Store are installed when the host lists them; their data is there in any case', async () => {
  const phone = newEmptyPhone()
  await using _ = phone.contents
  const [one, other] = original.contents.apps.filter(({ category }) => category === 'User')
  phone.appsToInstall = new Set([one!.bundleId])
  await restoreTo(phone, backup)
  const installed = phone.contents.apps.filter(({ category }) => category === 'User')
  assert.deepEqual(installed, [{ ...one, staticBytes: 0 }])
  assert.ok(domainsOf(phone.contents).has(`AppDomain-${other!.bundleId}`))
})

test('the phone restarts after the response unless told not to; then the next restore ends with 102', async () => {
  const phone = newTestPhone()
  await using _ = phone.contents
  await restoreTo(phone, backup)
  assert.equal(phone.restarts, 1)
  await restoreTo(phone, backup, { options: { RestoreShouldReboot: false } })
  assert.equal(phone.restarts, 1)
  const { response } = await restoreTo(phone, backup)
  assert.equal(response?.ErrorCode, 102)
})

test('after an error the phone does not restart', async () => {
  const phone = newTestPhone()
  await using _ = phone.contents
  assert.equal((await restoreTo(phone, newHost())).response?.ErrorCode, 204)
  assert.equal(phone.restarts, 0)
})

test('unless told not to, the host copies the backup of the phone itself, under a name with the time', async () => {
  const phone = newTestPhone()
  await using _ = phone.contents
  const host = copyOf(backup)
  host.files.set(`${UDID}/Info.plist`, encodeXmlPlist({ 'Display Name': 'Ana', 'Target Identifier': UDID }))
  const { response, transcript } = await restoreTo(phone, host, { options: { RestoreDontCopyBackup: false } })
  assert.equal(response?.ErrorCode, 0)
  const copy = 'U-20260601-000000'
  assert.deepEqual(
    shorten(transcript).slice(6, -2),
    [
      'download U/Info.plist',
      'list U',
      'list U/** × 256',
      'free space',
      `copy U ${copy}`,
      `upload ${copy}/Info.plist`,
    ].slice(1),
  )
  const info = dictOf(parsePlist(host.files.get(`${copy}/Info.plist`.replace('U', UDID))!))
  assert.deepEqual(
    { ...info },
    {
      'Display Name': 'Ana - 20260601-000000',
      'Target Identifier': copy.replace('U', UDID),
    },
  )
  assert.ok(host.files.has(`${copy}/Manifest.db`.replace('U', UDID)))
})

test('nothing is copied where the phone has no backup of its own, or the host no room', async () => {
  const phone = newEmptyPhone()
  await using _ = phone.contents
  const { transcript } = await restoreTo(phone, backup, { options: { RestoreDontCopyBackup: false } })
  assert.ok(transcript.includes(`download ${phone.udid}/Info.plist`))
  assert.ok(!transcript.some((line) => /^(list|copy|free)/.test(line)))
  const full = { ...copyOf(backup), freeBytes: 2 ** 27 }
  full.files.set(`${UDID}/Info.plist`, encodeXmlPlist({}))
  const same = newTestPhone()
  await using __ = same.contents
  const second = await restoreTo(same, full, { options: { RestoreDontCopyBackup: false } })
  assert.equal(second.response?.ErrorCode, 0)
  assert.ok(second.transcript.includes('free space'))
  assert.ok(!second.transcript.some((line) => line.startsWith('copy')))
})

test('a restored phone is backed up incrementally, with what is new since', async () => {
  const phone = changedPhone()
  await using _ = phone.contents
  const host = copyOf(backup)
  await restoreTo(phone, host)
  phone.contents.write(ADDED, Buffer.from('later'))
  const { received } = await hold(host, phone, { MessageName: 'Backup' })
  assert.equal(received.filter((name) => name.includes('/Snapshot/') && /[0-9a-f]{40}$/.test(name)).length, 1)
})

test('what a restore brought is on the disk of this machine for as long as the phone has any of it', async () => {
  const onDisk = async () => (await readdir(temp.path)).length
  const phone = newTestPhone()
  assert.equal(await onDisk(), 0, 'earlier tests have left nothing')
  await restoreTo(phone, backup)
  assert.equal(await onDisk(), 1)
  await restoreTo(phone, backup)
  assert.equal(await onDisk(), 1, 'nothing was left of the first one')
  await restoreTo(phone, backup, { options: { RestoreSystemFiles: false } })
  assert.equal(await onDisk(), 2)
  await phone.contents[Symbol.asyncDispose]()
  assert.equal(await onDisk(), 0)
})

test('a restore that fails or is cut off between two batches leaves nothing on the disk of this machine', async () => {
  for (const [ending, code] of [
    ['cut', undefined],
    [[-1, 'no', {}], 205],
  ] as const) {
    const phone = newTestPhone()
    const host = copyOf(backup)
    let batches = 0
    host.meddle = ([name, paths]) => {
      const isBatch =
        name === 'DLMessageDownloadFiles' && Array.isArray(paths) && /[0-9a-f]{40}$/.test(String(paths[0]))
      return isBatch && ++batches === 2 ? ending : undefined
    }
    assert.equal((await restoreTo(phone, host)).response?.ErrorCode, code)
    assert.equal(batches, 2)
    assert.deepEqual(await readdir(temp.path), [])
  }
})
