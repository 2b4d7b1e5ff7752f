import assert from 'node:assert/strict'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { NEVER } from '../../src/base/abort.ts'
import { systemClock } from '../../src/base/clock.ts'
import { Secret } from '../../src/base/secret.ts'
import { diagnose, type Facts, lookAt, openNotebook } from '../../src/doctor/index.ts'
import { FEW_ITERATIONS } from '../testing/restore-world.ts'
import { openWorld } from '../testing/world.ts'

const DAY_S = 86_400
const password = new Secret('backup password')
const world = await openWorld({
  files: 20,
  bytes: 200_000,
  virtual: { encryption: { password, iterations: FEW_ITERATIONS } },
})
after(() => world[Symbol.asyncDispose]())
const temp = await mkdtempDisposable(join(tmpdir(), 'phonekeep-doctor-'))
after(() => temp.remove())

const { virtual } = world
const lastS = Math.floor(systemClock.nowMs() / 1000 - 978_307_200 - 20 * DAY_S)
virtual.values.set('com.apple.mobile.backup', 'LastCloudBackupDate', lastS)
virtual.endCloudBackup({ code: 303 })
await world.backUp()

async function look(backupPassword: Secret | undefined): Promise<Facts> {
  const { facts } = await lookAt({
    udid: virtual.udid,
    phone: await world.phone(),
    feeds: { addresses: { status: undefined, updates: undefined }, cacheFolder: join(temp.path, 'feeds') },
    repository: { open: world.repository, backupPassword, tempFolder: temp.path },
    notebook: openNotebook(join(temp.path, 'notes')),
    clock: systemClock,
    signal: NEVER,
  })
  return facts
}

test('what the phone noted of iCloud is read from an encrypted backup with its password', async () => {
  const facts = await look(password)
  const { cloudErrors, knowsPassword } = facts.readings
  assert.ok(cloudErrors?.kind === 'known')
  assert.deepEqual(
    cloudErrors.value.map(({ domain, code }) => [domain, code]),
    [['MBErrorDomain', 303]],
  )
  assert.equal(knowsPassword?.kind === 'known' && knowsPassword.value, true)
  assert.equal(diagnose(facts).cause, 'storage-full')
})

test('without its password, or with another, nothing is said of iCloud', async () => {
  const without = await look(undefined)
  assert.deepEqual([without.readings.cloudErrors, without.readings.knowsPassword], [undefined, undefined])
  const { cloudErrors, knowsPassword } = (await look(new Secret('another'))).readings
  assert.equal(cloudErrors?.kind, 'unread')
  assert.equal(knowsPassword?.kind === 'known' && knowsPassword.value, false)
  assert.notEqual(diagnose(without).cause, 'storage-full')
})
