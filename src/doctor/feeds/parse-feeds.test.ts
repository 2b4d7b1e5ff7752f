import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FeedFailure } from './fetch-document.ts'
import { parseSystemStatus } from './system-status.ts'
import { newestFor, parseReleases } from './updates.ts'

const NOW_MS = Date.UTC(2026, 10, 22, 8)

const OUTAGE = {
  messageId: '2000009001',
  statusType: 'Outage',
  epochStartDate: 1_795_193_700_000,
  epochEndDate: null,
  eventStatus: 'ongoing',
}
const statusWith = (events: unknown, name = 'iCloud Backup') =>
  JSON.stringify({ drMessage: null, services: [{ serviceName: name, redirectUrl: null, events }] })

for (const [what, events, expected] of [
  ['no event', [], { light: 'ok' }],
  ['an outage', [OUTAGE], { light: 'outage', sinceMs: 1_795_193_700_000 }],
  ['an outage that should have ended by now', [{ ...OUTAGE, epochEndDate: NOW_MS - 1 }], 'recently-fixed'],
  [
    'an outage that ended an hour ago',
    [{ ...OUTAGE, eventStatus: 'resolved', epochEndDate: NOW_MS - 3_600_000 }],
    'recently-fixed',
  ],
  [
    'an outage of the day before yesterday',
    [{ ...OUTAGE, eventStatus: 'resolved', epochEndDate: NOW_MS - 2 * 86_400_000 }],
    'ok',
  ],
  ['maintenance that is planned', [{ ...OUTAGE, eventStatus: 'upcoming', epochStartDate: NOW_MS + 1 }], 'ok'],
  ['maintenance that was completed', [{ ...OUTAGE, eventStatus: 'completed' }], 'ok'],
  ['an outage of unknown start', [{ eventStatus: 'ongoing' }], { light: 'outage' }],
  ['events that are none', [5], 'unknown'],
  ['no list of events', null, 'unknown'],
] as const) {
  test(`a service with ${what} is lit accordingly`, () => {
    const { backup } = parseSystemStatus(statusWith(events), NOW_MS)
    if (typeof expected === 'string') assert.equal(backup.light, expected)
    else assert.deepEqual(backup, expected)
  })
}

test('a service that is not in the feed is unknown, never well', () => {
  const lights = parseSystemStatus(statusWith([], 'iCloud Mail'), NOW_MS)
  assert.deepEqual(lights, {
    backup: { light: 'unknown' },
    account: { light: 'unknown' },
    storage: { light: 'unknown' },
  })
})

test('the feed may be wrapped in a call', () => {
  assert.equal(parseSystemStatus(`jsonCallback(${statusWith([OUTAGE])});`, NOW_MS).backup.light, 'outage')
})

const isOdd = (error: unknown) => error instanceof FeedFailure && error.why === 'odd'

test('whatever else is served is odd', () => {
  for (const text of ['', 'null', '{}', '<html>', '{"services":5}', '[]', '{"PublicAssetSets":{"iOS":[]}}']) {
    assert.throws(() => parseSystemStatus(text, NOW_MS), isOdd, text)
    assert.throws(() => parseReleases(text), isOdd, text)
  }
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      for (const parse of [(text: string) => parseSystemStatus(text, 0), parseReleases]) {
        try {
          parse(text)
        } catch (error) {
          assert.ok(isOdd(error))
        }
      }
    }),
  )
})

const release = (ProductVersion: string, SupportedDevices: readonly string[], ExpirationDate = '2027-02-20') => ({
  ProductVersion,
  Build: '24B91',
  PostingDate: '2026-10-26',
  ExpirationDate,
  SupportedDevices,
})
const releases = parseReleases(
  JSON.stringify({
    PublicAssetSets: {
      iOS: [
        release('27.1', ['iPhone12,1', 'iPhone17,1']),
        release('27.1', ['iPhone12,1', 'iPhone17,1']),
        release('26.10', ['iPad8,1', 'iPhone12,1']),
        release('26.9', ['iPad8,1']),
        release('27.0', ['iPad13,18']),
        release('18.7.10', ['iPhone11,2']),
        release('28.0', ['Watch6,1', 'AudioAccessory5,1']),
        release('29.0', ['iPhone17,1'], '2026-11-21'),
        { ProductVersion: 'next', SupportedDevices: ['iPhone17,1'] },
        7,
      ],
    },
  }),
)

for (const [model, expected] of [
  ['iPhone17,1', { version: '27.1', isLastForModel: false }],
  ['iPhone11,2', { version: '18.7.10', isLastForModel: true }],
  ['iPad13,18', { version: '27.0', isLastForModel: false }],
  ['iPad8,1', { version: '26.10', isLastForModel: true }],
  ['iPhone7,2', undefined],
] as const) {
  test(`the newest system for ${model} is ${expected?.version ?? 'none any more'}`, () => {
    assert.deepEqual(newestFor(model, releases, NOW_MS), expected)
  })
}
