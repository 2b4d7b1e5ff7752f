import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Power, Reading, Readings } from '../engine.ts'
import { NO_NOTES, type PhoneNotes, type Sample } from '../notes/notes.ts'
import { factsOfNotes, sampleOf, withDraining, withSwitchedOn } from './notes-facts.ts'

const NOW_MS = Date.UTC(2026, 10, 22, 8)
const MINUTE_MS = 60_000
const bootSession = { kind: 'known', value: 'A', source: 'lockdown', atMs: NOW_MS } as const

const factsWith = (notes: Partial<PhoneNotes>, now = {}) =>
  factsOfNotes({ notes: { ...NO_NOTES, ...notes }, bootSession, now, nowMs: NOW_MS })

test('a phone has been up since it was first seen in this start, and a new start is new', () => {
  const { upSinceMs } = factsWith({ boot: { id: 'A', firstSeenMs: 5 } })
  assert.equal(upSinceMs?.kind === 'known' && upSinceMs.value, 5)
  const restarted = factsWith({ boot: { id: 'B', firstSeenMs: 5 } }).upSinceMs
  assert.equal(restarted?.kind === 'known' && restarted.value, NOW_MS)
})

test('the last run tells how it failed, and one that succeeded that none did', () => {
  const failed = { atMs: 2, failure: 'repo.locked' }
  const { ownFailure, ownLastMs } = factsWith({ runs: [{ atMs: 1 }, failed] })
  assert.deepEqual(ownFailure?.kind === 'known' && ownFailure.value, { code: 'repo.locked', atMs: 2 })
  assert.equal(ownLastMs?.kind === 'known' && ownLastMs.value, 1)
  assert.equal(factsWith({ runs: [failed, { atMs: 3 }] }).ownFailure?.kind, 'absent')
  assert.equal(factsWith({}).ownFailure, undefined)
})

test('a phone that was seen locked has a passcode, and its nights are judged where it is', () => {
  const begin = Date.UTC(2026, 10, 21, 23)
  const samples: Sample[] = Array.from({ length: 30 }, (_, index) => ({
    atMs: begin + index * 10 * MINUTE_MS,
    reach: 'wifi',
    isOnPower: true,
    isLocked: true,
  }))
  const timeZone = { kind: 'known', value: 'UTC', source: 'lockdown', atMs: NOW_MS } as const
  const { hasPasscode, nights } = factsWith({ samples }, { timeZone })
  assert.equal(hasPasscode?.kind, 'known')
  assert.deepEqual(nights?.kind === 'known' && [nights.value.watched, nights.value.inCondition], [1, 1])
  assert.equal(factsWith({ samples }).nights, undefined, 'nobody knows when its night is')
})

const powerAt = (percent: number): Reading<Power> => ({
  kind: 'known',
  value: { isConnected: true, percent },
  source: 'lockdown',
  atMs: NOW_MS,
})

for (const [what, sample, expected] of [
  ['fell on power', { agoMin: 30, percent: 60, isOnPower: true }, true],
  ['fell just now', { agoMin: 5, percent: 60, isOnPower: true }, undefined],
  ['fell since yesterday', { agoMin: 1440, percent: 60, isOnPower: true }, undefined],
  ['fell off power', { agoMin: 30, percent: 60, isOnPower: false }, undefined],
  ['rose', { agoMin: 30, percent: 40, isOnPower: true }, undefined],
] as const) {
  test(`a charge that ${what} is ${expected ? '' : 'not '}draining`, () => {
    const { agoMin, percent, isOnPower } = sample
    const samples: Sample[] = [{ atMs: NOW_MS - agoMin * MINUTE_MS, reach: 'wifi', percent, isOnPower }]
    const power = withDraining(powerAt(50), samples)
    assert.equal(power.kind === 'known' && power.value.isDraining, expected)
  })
}

test('a switch that was turned on here was off until then, unless a backup knows of a later time', () => {
  const trial = { remedy: 'enable-cloud-backup', cause: 'switch-off', atMs: 5 } as const
  const told = (value: number): Readings => ({
    cloudSwitchedOnMs: { kind: 'known', value, source: 'backup', atMs: 9 },
  })
  const onMs = (...args: Parameters<typeof withSwitchedOn>) => {
    const { cloudSwitchedOnMs } = withSwitchedOn(...args)
    return cloudSwitchedOnMs?.kind === 'known' ? cloudSwitchedOnMs.value : undefined
  }
  assert.equal(onMs({}, [trial]), 5)
  assert.equal(onMs(told(3), [trial]), 5)
  assert.equal(onMs(told(7), [trial]), undefined)
  assert.equal(onMs({}, [{ ...trial, result: 'declined' }]), undefined)
  assert.equal(onMs({}, [{ ...trial, result: 'did-not-help' }]), undefined)
})

test('a look that found no phone is a sample of that', () => {
  const away = { reach: { kind: 'absent', source: 'this-computer', atMs: NOW_MS } } as const
  assert.deepEqual(sampleOf(away, NOW_MS), { atMs: NOW_MS, reach: 'none' })
})
