import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { stoppedClock } from '../testing/stopped-clock.ts'
import { Condition } from './condition.ts'
import { isBeforeFirstUnlock, isPasswordProtected, PASSCODE_SHEET_MS } from './index.ts'

const signal = NEVER

test('a phone with a passcode is locked after a restart, and opened by the right one only', () => {
  const condition = new Condition({ passcode: '1234' })
  condition.boot()
  assert.ok(isPasswordProtected(condition.state) && isBeforeFirstUnlock(condition.state))
  assert.equal(condition.unlock({ passcode: '0000' }), false)
  assert.ok(isBeforeFirstUnlock(condition.state))
  assert.equal(condition.unlock(), true)
  condition.lock()
  assert.ok(isPasswordProtected(condition.state) && !isBeforeFirstUnlock(condition.state))
})

test('a phone without a passcode protects nothing, however locked', () => {
  const condition = new Condition()
  condition.boot()
  assert.ok(!isPasswordProtected(condition.state) && !isBeforeFirstUnlock(condition.state))
})

test('every change is told with what was before', () => {
  const condition = new Condition({ batteryPercent: 20 })
  const percents: unknown[] = []
  condition.changes.add(({ before, now }) => percents.push([before.batteryPercent, now.batteryPercent]))
  condition.set({ batteryPercent: 21 })
  assert.deepEqual(percents, [[20, 21]])
  assert.throws(() => condition.set({ batteryPercent: 101 }), /not at 101 %/)
})

for (const [trust, answer] of [
  ['accept', 'trusted'],
  ['refuse', 'denied'],
] as const) {
  test(`a person who would ${trust} answers ${answer}, however often a computer asks`, () => {
    const { trustDialog } = new Condition({ trust })
    assert.deepEqual([trustDialog.ask(), trustDialog.ask()], [answer, answer])
  })
}

test('the trust dialog stays until somebody taps, and is shown anew for the next computer', () => {
  let accepted = 0
  const { trustDialog } = new Condition({ trust: 'ask' }, { onTrust: () => accepted++ })
  assert.deepEqual([trustDialog.ask(), trustDialog.ask()], ['pending', 'pending'])
  assert.equal(trustDialog.isShown, true)
  trustDialog.accept()
  assert.deepEqual([accepted, trustDialog.isShown], [1, false])
  assert.deepEqual([trustDialog.ask(), trustDialog.ask()], ['trusted', 'pending'])
  trustDialog.refuse()
  assert.equal(accepted, 1)
  assert.deepEqual([trustDialog.ask(), trustDialog.ask()], ['denied', 'pending'])
})

test('without a dialog there is nothing to tap', () => {
  let accepted = 0
  const { trustDialog } = new Condition({ trust: 'ask' }, { onTrust: () => accepted++ })
  assert.equal(trustDialog.accept(), false)
  trustDialog.refuse()
  assert.deepEqual([trustDialog.ask(), accepted], ['pending', 0])
})

test('Trust wants the passcode', () => {
  const { trustDialog } = new Condition({ trust: 'ask', passcode: '1234' })
  trustDialog.ask()
  assert.equal(trustDialog.accept({ passcode: '0000' }), false)
  assert.equal(trustDialog.ask(), 'pending')
  assert.equal(trustDialog.accept({ passcode: '1234' }), true)
  assert.equal(trustDialog.ask(), 'trusted')
})

test('the passcode sheet stays after a wrong passcode, and the right one unlocks the phone', async () => {
  const condition = new Condition({ passcode: '1234', isLocked: true })
  const { passcodeSheet } = condition
  const answer = passcodeSheet.ask(stoppedClock(), { signal })
  assert.equal(passcodeSheet.enter('0000'), false)
  assert.equal(passcodeSheet.isShown, true)
  assert.equal(passcodeSheet.enter('1234'), true)
  assert.deepEqual([passcodeSheet.isShown, condition.state.isLocked], [false, false], 'at once')
  assert.equal(await answer, 'entered')
  assert.equal(passcodeSheet.enter('1234'), false, 'no sheet, nothing to enter')
})

for (const [passcodePrompt, answer] of [
  ['accept', 'entered'],
  ['refuse', 'cancelled'],
] as const) {
  test(`a person who would ${passcodePrompt} leaves no passcode sheet on the screen: ${answer}`, async () => {
    const { passcodeSheet } = new Condition({ passcode: '1234', passcodePrompt })
    assert.equal(await passcodeSheet.ask(stoppedClock(), { signal }), answer)
    assert.equal(passcodeSheet.isShown, false)
  })
}

test('a passcode sheet that is cancelled, ignored or replaced says so', async () => {
  const { passcodeSheet } = new Condition({ passcode: '1234' })
  const clock = stoppedClock()
  const cancelled = passcodeSheet.ask(clock, { signal })
  passcodeSheet.cancel()
  assert.equal(await cancelled, 'cancelled')
  const replaced = passcodeSheet.ask(clock, { signal })
  const ignored = passcodeSheet.ask(clock, { signal })
  assert.equal(await replaced, 'cancelled')
  clock.pass(PASSCODE_SHEET_MS)
  assert.equal(await ignored, 'timed-out')
})
