import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BackupEvent } from '../device/index.ts'
import { narrateWaiting } from './phone-words.ts'

/** What a person is told of these events. */
function told(...events: readonly BackupEvent[]): readonly string[] {
  const sentences: string[] = []
  const narrate = narrateWaiting('Ana’s iPhone', (sentence) => sentences.push(sentence))
  for (const event of events) narrate(event)
  return sentences
}

const MINUTE_MS = 60_000
const quiet = (ms: number): BackupEvent => ({ kind: 'quiet', ms })

test('a passcode that the phone asks for is asked for once, and waited for in minutes', () => {
  assert.deepEqual(told({ kind: 'passcode-asked' }, { kind: 'passcode-likely' }, quiet(10_000), quiet(MINUTE_MS)), [
    'Enter the passcode on Ana’s iPhone.',
    'Ana’s iPhone still waits for its passcode (1:00).',
  ])
})

test('a passcode that the phone may ask for is spoken of as such', () => {
  assert.deepEqual(told({ kind: 'passcode-likely' }), ['If Ana’s iPhone asks for its passcode, enter it.'])
})

test('silence is explained, soon and then every minute', () => {
  assert.deepEqual(told(quiet(10_000), quiet(MINUTE_MS), quiet(2 * MINUTE_MS)), [
    'Ana’s iPhone is preparing, this can take minutes.',
    'Ana’s iPhone is still preparing (1:00); on a full phone that is usual.',
    'Ana’s iPhone is still preparing (2:00); on a full phone that is usual.',
  ])
})

test('once the passcode was entered, the phone is preparing and asks for nothing any more', () => {
  assert.deepEqual(
    told({ kind: 'passcode-asked' }, { kind: 'passcode-done' }, { kind: 'passcode-likely' }).slice(1),
    [],
  )
  assert.match(told({ kind: 'passcode-asked' }, { kind: 'passcode-done' }, quiet(10_000)).at(-1) ?? '', /preparing/)
})

test('what is gone without, and a cancel on the phone, are told; what a progress bar shows is not', () => {
  assert.deepEqual(
    told(
      { kind: 'went-without', what: 'the list of apps', because: 'The phone refused' },
      { kind: 'cancel-asked' },
      { kind: 'progress', percent: 3 },
    ),
    ['Going on without the list of apps: The phone refused.', 'Somebody tapped cancel on Ana’s iPhone.'],
  )
})
