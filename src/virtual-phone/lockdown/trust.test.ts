import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Trust, type TrustState } from './trust.ts'

const openTrust = (state: TrustState) => new Trust({ state, onAccept: () => {} })

for (const [state, answer] of [
  ['trusted', 'trusted'],
  ['denied', 'denied'],
  ['locked', 'locked'],
  ['beforeFirstUnlock', 'locked'],
] as const) {
  test(`a phone that is ${state} answers ${answer}, however often it is asked`, () => {
    const trust = openTrust(state)
    assert.deepEqual([trust.ask(), trust.ask()], [answer, answer])
  })
}

test('the dialog stays until somebody taps Trust, and is shown anew for the next computer', () => {
  let accepted = 0
  const trust = new Trust({ state: 'dialog', onAccept: () => accepted++ })
  assert.deepEqual([trust.ask(), trust.ask()], ['pending', 'pending'])
  trust.accept()
  assert.equal(accepted, 1)
  assert.deepEqual([trust.ask(), trust.ask()], ['trusted', 'pending'])
})

test('the dialog can be accepted by itself after so many answers', () => {
  const trust = openTrust('dialog')
  trust.set('dialog', { pendingAnswers: 2 })
  const answers = Array.from({ length: 6 }, () => trust.ask())
  assert.deepEqual(answers, ['pending', 'pending', 'trusted', 'pending', 'pending', 'trusted'])
})

test('a phone that is unlocked shows the dialog', () => {
  const trust = openTrust('locked')
  trust.ask()
  trust.set('dialog')
  assert.equal(trust.state, 'dialog')
  assert.equal(trust.ask(), 'pending')
})
