import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { systemClock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import type { Plist } from '../../plist/index.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { answering, wire } from '../testing/wire.ts'
import { getValue, getValues, Lockdown, openLockdown, removeValue, setValue } from './lockdown.ts'
import { fromLockdown, fromStartService } from './lockdown-errors.ts'

const signal = NEVER
const code = (expected: string) => (error: unknown) => isAppError(error, expected)

/** A lockdownd that gives these answers, one to each question. */
function lockdownThat(...answers: readonly Plist[]) {
  const { near, far } = wire()
  return { lockdown: new Lockdown(near, systemClock), requests: answering(far, ...answers.map((answer) => [answer])) }
}

test('a value is asked for by domain and key', async () => {
  const { lockdown, requests } = lockdownThat({ Request: 'GetValue', Value: true })
  const name = { domain: 'com.apple.mobile.backup', key: 'WillEncrypt' }
  assert.equal(await getValue(lockdown, name, { signal }), true)
  assert.deepEqual(
    (await requests).map((request) => ({ ...request })),
    [{ Label: 'phonekeep', Request: 'GetValue', Domain: 'com.apple.mobile.backup', Key: 'WillEncrypt' }],
  )
})

test('a missing value and an unknown domain are answers, in either of their forms', async () => {
  const missing = { Request: 'GetValue', Error: 'MissingValue' }
  const { lockdown } = lockdownThat(missing, { Request: 'GetValue' }, missing, { Request: 'GetValue' })
  assert.equal(await getValue(lockdown, { key: 'x' }, { signal }), undefined)
  assert.equal(await getValue(lockdown, { key: 'x' }, { signal }), undefined)
  assert.deepEqual(await getValues(lockdown, { domain: 'x' }, { signal }), {})
  assert.deepEqual(await getValues(lockdown, { domain: 'x' }, { signal }), {})
})

test('changing and removing a value say what was refused', async () => {
  const { lockdown } = lockdownThat(
    { Request: 'SetValue', Error: 'SetProhibited' },
    { Request: 'RemoveValue', Error: 'MissingValue' },
    { Request: 'RemoveValue', Result: 'Failure' },
  )
  const saw = (error: unknown) =>
    isAppError(error, 'device.lockdown-refused') && /d:k: SetProhibited/.test(error.message)
  await assert.rejects(setValue(lockdown, { domain: 'd', key: 'k', value: 1 }, { signal }), saw)
  await removeValue(lockdown, { key: 'k' }, { signal })
  await assert.rejects(removeValue(lockdown, { key: 'k' }, { signal }), code('device.lockdown-refused'))
})

test('an answer to another question ends the conversation', async () => {
  const { lockdown } = lockdownThat({ Request: 'SetValue', Value: 1 })
  await assert.rejects(getValue(lockdown, { key: 'x' }, { signal }), code('wire.bad-frame'))
})

test('a phone that says nothing is given up after 30 s', async () => {
  const { near } = wire()
  const clock = manualClock()
  const asking = getValue(new Lockdown(near, clock), { key: 'x' }, { signal })
  clock.pass(30_000)
  await assert.rejects(asking, code('device.not-answering'))
})

test('a phone in recovery is not ready', async () => {
  const { near, far } = wire()
  const answered = answering(far, [{ Request: 'QueryType', Type: 'com.apple.mobile.restored' }])
  await assert.rejects(
    openLockdown(async () => near, { clock: systemClock, signal }),
    code('device.not-ready'),
  )
  await answered
})

for (const [error, expected] of [
  ['PasswordProtected', 'device.locked'],
  ['EscrowLocked', 'device.locked'],
  ['InvalidHostID', 'device.not-paired'],
  ['MissingHostID', 'device.not-paired'],
  ['UserDeniedPairing', 'device.trust-refused'],
  ['PairingProhibitedOverThisConnection', 'device.needs-cable'],
  ['MCProtected', 'device.supervised'],
  ['MCChallengeRequired', 'device.supervised'],
  ['InvalidService', 'device.service-refused'],
  ['ServiceProhibited', 'device.service-refused'],
  ['ServiceLimit', 'device.too-many-connections'],
  ['SomethingNewInIos30', 'device.lockdown-refused'],
  ['constructor', 'device.lockdown-refused'],
] as const) {
  test(`lockdownd's ${error} is ${expected}, and is shown`, () => {
    const refusal = fromLockdown(error, { asking: 'to test' })
    assert.equal(refusal.code, expected)
    assert.match(refusal.message, new RegExp(error))
    assert.ok(refusal.remedy.length > 20)
  })
}

test('what a phone says cannot steer the terminal it is shown on', () => {
  const { message } = fromLockdown(`\x1b[2Jgone\r\n${'x'.repeat(1000)}`, { asking: 'to test' })
  assert.match(message, /\?\[2Jgone\?\?x/)
  assert.ok(message.length < 400)
})

test('an answer to nothing in particular ends the conversation', async () => {
  const { lockdown } = lockdownThat({ Request: { nested: 1n } })
  await assert.rejects(getValue(lockdown, { key: 'x' }, { signal }), code('wire.bad-frame'))
})

test('a missing value at StartService means that the phone was not unlocked since its restart', () => {
  assert.equal(fromStartService('MissingValue', 'com.apple.mobilebackup2').code, 'device.not-unlocked')
})
