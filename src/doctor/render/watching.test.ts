import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Condition, LogEvent } from '../engine.ts'
import { LANGUAGES, speakerFor } from '../texts/speaker.ts'
import { watchMessage } from './watching.ts'

const HOLDING: Condition = { holds: true, enabled: true, locked: true, onPower: true, onWifi: true, onCellular: false }

const condition = (changed: Partial<Condition> = {}, isRestoring = false): LogEvent => ({
  kind: 'condition',
  condition: { ...HOLDING, ...changed },
  heldS: undefined,
  isRestoring,
})

const EVENTS: readonly LogEvent[] = [
  condition(),
  condition({ holds: false }),
  condition({}, true),
  condition({ holds: false, enabled: false, locked: false, onPower: false, onWifi: false }),
  { kind: 'failed', error: { domain: 'MBErrorDomain', code: 303 } },
  { kind: 'failed', error: undefined },
  ...(['started', 'completed', 'forbidden', 'not-enabled', 'deferred', 'warned'] as const).map((kind) => ({ kind })),
  { kind: 'next-backup', atMs: 1_795_309_800_000 },
  { kind: 'already-backed-up', agoS: 7200 },
  { kind: 'failures', count: 3 },
  { kind: 'lost', what: 'power' },
  { kind: 'lost', what: 'wifi' },
]

test('everything that a log tells has its own sentence in both languages', () => {
  for (const language of LANGUAGES) {
    const { say } = speakerFor(language, { timeZone: 'UTC' })
    assert.equal(new Set(EVENTS.map((event) => say(watchMessage(event)))).size, EVENTS.length)
  }
})

test('of the conditions for a backup those are named that are missing', () => {
  const { say } = speakerFor('en', { timeZone: 'UTC' })
  assert.equal(say(watchMessage(condition({ holds: false, onWifi: false }))), 'For a backup this is missing: Wi-Fi.')
  assert.equal(
    say(watchMessage(condition({ holds: false, locked: false, onPower: false, onWifi: false }))),
    'For a backup this is missing: a locked screen, power, and Wi-Fi.',
  )
})
