import assert from 'node:assert/strict'
import { mkdtempDisposable, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { NEVER } from '../../../base/abort.ts'
import { systemClock as clock } from '../../../base/clock.ts'
import { Secret } from '../../../base/secret.ts'
import { openEmptyContents, openSeededContents } from '../../contents/index.ts'
import { openMuxServer, openVirtualPhone, type VirtualPhoneOptions } from '../../index.ts'
import { runTool } from '../../testing/debian-tools.ts'
import { pairForTools } from '../../testing/host.ts'
import { digestsOf } from '../../testing/restoring.ts'
import { readRestoreApplications } from './restore-applications.ts'

// Source of every expectation: what libimobiledevice's idevicebackup2 does, version 1.3.0.

const PASSWORD = 'Straße 7'
const ios = '17.5'
const opened = new AsyncDisposableStack()
after(() => opened.disposeAsync())
const folder = opened.use(await mkdtempDisposable(join(tmpdir(), 'idevicebackup2-restore-')))
const mux = opened.use(await openMuxServer({ phones: [], listen: { host: '127.0.0.1', port: 0 }, signal: NEVER }))
let seed = 100

/** A phone that is paired, with Find My off, and what it tells of restarts. */
async function openPhone(options: Partial<VirtualPhoneOptions> = {}) {
  const contents = openEmptyContents({ ios, clock })
  const condition = { isFindMyOn: false }
  const phone = await openVirtualPhone({ seed: seed++, ios, contents, clock, condition, ...options })
  const deviceId = mux.attach(opened.use(phone))
  await pairForTools(mux.address, { deviceId, udid: phone.udid })
  const restarts: string[] = []
  phone.events.add((event) => event.kind === 'power' && restarts.push(event.what))
  const backUp = () => runTool(mux.address, 'idevicebackup2', '-u', phone.udid, 'backup', folder.path)
  const restore = (source: string, ...flags: string[]) =>
    runTool(mux.address, 'idevicebackup2', '-u', phone.udid, '-s', source, 'restore', ...flags, folder.path)
  return { phone, contents: phone.contents, restarts, backUp, restore }
}

const seeded = (files: number) => openSeededContents({ seed: 11, files, bytes: 400_000, ios, clock })
const isApp = ({ domain }: { domain: string }) => /^(App|SysShared)/.test(domain)
const userApps = ({ contents }: Awaited<ReturnType<typeof openPhone>>) =>
  contents.apps.filter(({ category }) => category === 'User').map(({ bundleId }) => bundleId)

const ana = await openPhone({ name: "Ana's iPhone", contents: seeded(150) })
const digests = await digestsOf(ana.contents)
const apps = userApps(ana)
const { udid } = ana.phone
const encrypted = await openPhone({
  contents: seeded(60),
  encryption: { password: new Secret(PASSWORD), iterations: 1_000 },
})
const encryptedDigests = await digestsOf(encrypted.contents)
for (const { output } of await Promise.all([ana.backUp(), encrypted.backUp()])) {
  assert.match(output, /Backup Successful/)
}

// Side by side: idevicebackup2 spends most of its time asleep.
describe('idevicebackup2 restore', { concurrency: true }, () => {
  test('brings a phone back to what it was, after a copy of its backup, and restarts it', async () => {
    ana.contents.change({ seed: 5, add: 3, rewrite: 4, move: 2, remove: 3 })
    const { output } = await ana.restore(udid, '--system', '--settings', '--remove', '--copy')
    assert.match(output, /Restore Successful/)
    assert.deepEqual(await digestsOf(ana.contents), digests)
    assert.deepEqual(ana.restarts, ['restart'])
    const copies = (await readdir(folder.path)).filter((name) => name.startsWith(`${udid}-`))
    assert.equal(copies.length, 1)
    assert.ok((await readdir(join(folder.path, copies[0]!))).includes('Info.plist'))
  })

  test('makes another phone equal to the first one; without --remove, too, as it then does not say what to keep', async () => {
    const other = await openPhone({ name: 'Fresh' })
    other.contents.write({ domain: 'CameraRollDomain', relativePath: 'Media/mine.jpg' }, Buffer.from('mine'))
    const { output } = await other.restore(udid, '--system', '--settings')
    assert.match(output, /Restore Successful/)
    assert.deepEqual(await digestsOf(other.contents), digests)
    assert.deepEqual([...readRestoreApplications(other.phone.media)].sort(), apps.toSorted())
    assert.deepEqual(userApps(other).sort(), apps.toSorted())
    assert.equal(other.phone.values.get('', 'DeviceName'), "Ana's iPhone")
  })

  test('without --system brings apps alone, without --settings leaves the name, with --skip-apps installs nothing', async () => {
    const other = await openPhone({ name: 'Fresh' })
    const before = await digestsOf(other.contents)
    assert.match((await other.restore(udid, '--remove', '--skip-apps')).output, /Restore Successful/)
    const restored = await digestsOf(other.contents)
    assert.deepEqual(restored.filter(isApp), digests.filter(isApp))
    assert.deepEqual(
      restored.filter((entry) => !isApp(entry)),
      before,
    )
    assert.equal(other.phone.values.get('', 'DeviceName'), 'Fresh')
    assert.deepEqual(userApps(other), [])
  })

  test('with --no-reboot leaves the phone on; the next restore then ends with 102', async () => {
    const other = await openPhone()
    assert.match((await other.restore(udid, '--no-reboot')).output, /Restore Successful/)
    assert.deepEqual(other.restarts, [])
    const refused = await other.restore(udid)
    assert.match(refused.output, /ErrorCode 102: \.backup\.i exists/)
    assert.equal(refused.exitCode, 256 - 102)
  })

  test('works again after a restore without a restart when the phone was restarted', async () => {
    const other = await openPhone()
    other.phone.agent.hasRestoreLeftovers = true
    await runTool(mux.address, 'idevicediagnostics', '-u', other.phone.udid, 'restart')
    assert.match((await other.restore(udid)).output, /Restore Successful/)
    assert.deepEqual(other.restarts, ['restart', 'restart'])
  })

  test('says that Find My is on, and takes its list of apps away again', async () => {
    const other = await openPhone({ condition: { isFindMyOn: true } })
    assert.match((await other.restore(udid)).output, /ErrorCode 211: Find My iPhone must be disabled/)
    assert.equal(readRestoreApplications(other.phone.media).size, 0)
  })

  test('restores an encrypted backup with its password, and not with another one', async () => {
    const other = await openPhone()
    const source = encrypted.phone.udid
    const refused = await other.restore(source, '--system', '--password', 'wrong')
    assert.match(refused.output, /ErrorCode 207: Invalid password when restoring encrypted backup/)
    const { output } = await other.restore(source, '--system', '--password', PASSWORD)
    assert.match(output, /Restore Successful/)
    assert.deepEqual(await digestsOf(other.contents), encryptedDigests)
    assert.equal(other.phone.values.get('com.apple.mobile.backup', 'WillEncrypt'), true)
  })
})
