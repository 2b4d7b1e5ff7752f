import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type NightSample, nightsOf } from './nights.ts'
import { NOW } from './testing/made-facts.ts'
import { HOUR_MS, MINUTE_MS } from './thresholds.ts'

const OPTIONS = { timeZone: 'Europe/Berlin', nowMs: NOW, hasPasscode: true } as const

/** Every ten minutes, in UTC: 21:00 to 6:00 is the night of Berlin in winter. */
function looks(from: string, hours: number, of: Partial<NightSample> = {}): readonly NightSample[] {
  const beginMs = Date.parse(from)
  return Array.from({ length: hours * 6 }, (_, at) => ({
    atMs: beginMs + at * 10 * MINUTE_MS,
    reach: 'wifi' as const,
    isOnPower: true,
    isLocked: true,
    ...of,
  }))
}

test('a good night is one in condition', () => {
  const nights = nightsOf([...looks('2026-11-20T21:00Z', 9), ...looks('2026-11-21T21:00Z', 9)], OPTIONS)
  assert.deepEqual(nights, { watched: 2, inCondition: 2, withoutPower: 0, withoutLock: 0, withoutWifi: 0 })
})

test('a night belongs to both of its days, where the phone is', () => {
  const samples = looks('2026-11-20T21:00Z', 9)
  assert.equal(nightsOf(samples, OPTIONS)?.watched, 1)
  assert.equal(nightsOf(samples, { ...OPTIONS, timeZone: 'Pacific/Auckland' })?.watched, 0)
})

test('the day is no night', () => {
  assert.equal(nightsOf(looks('2026-11-20T07:00Z', 12), OPTIONS)?.watched, 0)
})

test('what was missing is counted by night', () => {
  const samples = [
    ...looks('2026-11-18T21:00Z', 9, { isOnPower: false }),
    ...looks('2026-11-19T21:00Z', 9, { isLocked: false }),
    ...looks('2026-11-20T21:00Z', 9, { reach: 'none' }),
  ]
  const expected = { watched: 3, inCondition: 0, withoutPower: 1, withoutLock: 1, withoutWifi: 1 }
  assert.deepEqual(nightsOf(samples, OPTIONS), expected)
})

test('half an hour of everything is enough, and twenty minutes are not', () => {
  const night = (minutes: number) => [
    ...looks('2026-11-20T21:00Z', minutes / 60),
    ...looks(new Date(Date.parse('2026-11-20T21:00Z') + minutes * MINUTE_MS).toISOString(), 8, { isOnPower: false }),
  ]
  assert.equal(nightsOf(night(40), OPTIONS)?.inCondition, 1)
  assert.equal(nightsOf(night(20), OPTIONS)?.inCondition, 0)
})

test('a single look is not a watched night', () => {
  assert.equal(nightsOf(looks('2026-11-20T21:00Z', 9).slice(0, 3), OPTIONS)?.watched, 0)
})

test('two looks hours apart are not a watched night', () => {
  const [first] = looks('2026-11-20T21:00Z', 1)
  const last = { ...first!, atMs: first!.atMs + 5 * HOUR_MS }
  assert.equal(nightsOf([first!, last], OPTIONS)?.watched, 0)
})

test('a night on our own cable says nothing', () => {
  assert.equal(nightsOf(looks('2026-11-20T21:00Z', 9, { reach: 'usb' }), OPTIONS)?.watched, 0)
})

test('a phone that answered without saying how it was says nothing', () => {
  const untold = looks('2026-11-20T21:00Z', 9).map(({ atMs, reach }) => ({ atMs, reach }))
  assert.equal(nightsOf(untold, OPTIONS)?.watched, 0)
})

test('a phone without a passcode counts as locked', () => {
  const samples = looks('2026-11-20T21:00Z', 9, { isLocked: false })
  assert.equal(nightsOf(samples, { ...OPTIONS, hasPasscode: false })?.inCondition, 1)
})

test('looks in any order, of the future and of long ago', () => {
  const samples = [...looks('2026-11-20T21:00Z', 9), ...looks('2026-12-20T21:00Z', 9), ...looks('2026-09-20T21:00Z', 9)]
  assert.deepEqual(nightsOf(samples.toReversed(), OPTIONS), nightsOf(looks('2026-11-20T21:00Z', 9), OPTIONS))
})

test('a time zone that is none gives no nights', () => {
  assert.equal(nightsOf(looks('2026-11-20T21:00Z', 9), { ...OPTIONS, timeZone: 'Moon/Crater' }), undefined)
})
