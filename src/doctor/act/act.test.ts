import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { AppError } from '../../base/errors.ts'
import { openCable } from '../../virtual-phone/index.ts'
import type { ActionId } from '../engine.ts'
import { openPhoneUnderLook } from '../testing/phone-under-look.ts'
import { type ActOptions, act } from './act.ts'

const world = await openPhoneUnderLook()
after(() => world[Symbol.asyncDispose]())
const { virtual } = world
const cable = openCable(virtual, world.server)
after(() => cable[Symbol.dispose]())
const BACKUP = 'com.apple.mobile.backup'

async function perform(action: ActionId, overrides: Partial<ActOptions> = {}) {
  return await act(action, {
    phone: await world.phone(),
    mux: world.mux,
    consent: 'Do it?',
    backUp: async () => undefined,
    onEvent: () => undefined,
    onRestart: () => undefined,
    signal: NEVER,
    ...overrides,
  })
}

test('the switch is turned on, and seen to be on', async () => {
  virtual.values.set(BACKUP, 'CloudBackupEnabled', false)
  assert.deepEqual(await perform('enable-cloud-backup'), { outcome: 'done' })
  assert.equal(virtual.values.get(BACKUP, 'CloudBackupEnabled'), true)
})

for (const [what, condition, code] of [
  ['a phone without an account', { hasCloudAccount: false }, 'device.cloud-no-account'],
  ['a phone whose account has no iCloud', { isCloudProvisioned: false }, 'device.cloud-no-account'],
  ['a phone whose manager forbids it', { forbidsCloudBackup: true }, 'device.backup-forbidden'],
] as const) {
  test(`${what} refuses, and says why`, async () => {
    virtual.values.set(BACKUP, 'CloudBackupEnabled', false)
    virtual.condition.set(condition)
    const report = await perform('enable-cloud-backup')
    virtual.condition.set({ hasCloudAccount: true, isCloudProvisioned: true, forbidsCloudBackup: false })
    assert.deepEqual([report.outcome, report.error?.code], ['failed', code])
  })
}

test('a yes that changes nothing is not taken for done', async () => {
  virtual.values.set(BACKUP, 'CloudBackupEnabled', false)
  virtual.condition.set({ isCloudSwitchStuck: true })
  const phone = await world.phone()
  let aheadMs = 0
  const clock = { ...phone.clock, elapsedMs: () => (aheadMs += 61_000) }
  const report = await perform('enable-cloud-backup', { phone: { ...phone, clock } })
  virtual.condition.set({ isCloudSwitchStuck: false })
  assert.deepEqual(report, { outcome: 'not-seen' })
})

test('a phone restarts, and is seen to be back', async () => {
  let hasAgreed = false
  const report = await perform('restart-phone', { onRestart: () => (hasAgreed = true) })
  assert.deepEqual([report.outcome, hasAgreed], ['done', true])
})

test('connections over Wi-Fi are allowed', async () => {
  const domain = 'com.apple.mobile.wireless_lockdown'
  virtual.values.set(domain, 'EnableWifiConnections', false)
  assert.deepEqual(await perform('allow-wifi-connections'), { outcome: 'done' })
  assert.equal(virtual.values.get(domain, 'EnableWifiConnections'), true)
})

test('a backup that fails says why, and a fault of ours is no answer', async () => {
  const error = new AppError('repo.locked', 'Locked', { remedy: 'Wait' })
  assert.deepEqual(await perform('back-up-here', { backUp: () => Promise.reject(error) }), { outcome: 'failed', error })
  await assert.rejects(perform('back-up-here', { backUp: () => Promise.reject(new TypeError('ours')) }), TypeError)
})

test('nothing is done without consent', async () => {
  await assert.rejects(perform('restart-phone', { consent: ' ' }), /consent/)
})
