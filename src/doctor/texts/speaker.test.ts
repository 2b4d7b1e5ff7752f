import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesText, spanOf, spanText } from './quantities.ts'
import { speakerFor } from './speaker.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const OCTOBER_3 = Date.parse('2026-10-03T00:15:00Z')
const NOVEMBER_22 = Date.parse('2026-11-22T08:00:00Z')

const lastBackup = {
  key: 'evidence.cloud-last',
  values: { when: { dateMs: OCTOBER_3 }, age: { spanMs: NOVEMBER_22 - OCTOBER_3 } },
}

test('dates are told in the time zone of the reader, with the year only where it is another one', () => {
  const here = speakerFor('en', { timeZone: 'Europe/Berlin', nowMs: NOVEMBER_22 })
  assert.equal(here.say(lastBackup), 'The last iCloud backup that succeeded was on October 3 at 2:15 AM, 7 weeks ago.')
  const german = speakerFor('de', { timeZone: 'America/Los_Angeles' })
  assert.equal(
    german.say(lastBackup),
    'Das letzte gelungene iCloud-Backup war am 2. Oktober 2026 um 17:15, vor 7 Wochen.',
  )
})

test('a time zone that does not exist counts as UTC', () => {
  const speaker = speakerFor('en', { timeZone: 'Mars/Olympus', nowMs: NOVEMBER_22 })
  assert.match(speaker.say(lastBackup), /October 3 at 12:15 AM/)
})

test('a length of time is told roughly', () => {
  const told = (ms: number) => spanText('en', spanOf(ms))
  assert.equal(told(30_000), '1 minute')
  assert.equal(told(90 * 60_000), '90 minutes')
  assert.equal(told(36 * 60 * 60_000), '36 hours')
  assert.equal(told(3.4 * DAY_MS), '3 days')
  assert.equal(told(50 * DAY_MS), '7 weeks')
  assert.equal(told(200 * DAY_MS), '7 months')
  assert.equal(told(-3 * 366 * DAY_MS), '3 years')
})

test('German has a form after prepositions and one that stands alone', () => {
  const german = speakerFor('de', { timeZone: 'UTC' })
  assert.match(german.say(lastBackup), /vor 7 Wochen/)
  assert.equal(
    german.say({ key: 'evidence.clock-ahead', values: { by: { spanMs: 3 * DAY_MS } } }),
    'Seine Uhr geht um 3 Tage vor.',
  )
  assert.match(
    german.say({ key: 'evidence.up-since', values: { when: { dateMs: OCTOBER_3 }, age: { spanMs: 3 * DAY_MS } } }),
    /seit 3 Tagen\.$/,
  )
})

test('sizes are counted as the settings count them', () => {
  assert.equal(bytesText('en', 5e9), '5 GB')
  assert.equal(bytesText('de', 4.74e9).replace('\u00a0', ' '), '4,7 GB')
  assert.equal(bytesText('en', 321_785_856), '322 MB')
  assert.equal(bytesText('en', 2e12), '2 TB')
  assert.equal(bytesText('en', 0), '0 kB')
  assert.equal(bytesText('en', -5), '0 kB')
})

test('a message may hold others, lists and private names', () => {
  const outage = { key: 'evidence.service-outage', values: { service: { message: { key: 'service.backup' } } } }
  assert.equal(speakerFor('de', { timeZone: 'UTC' }).say(outage), 'Apple meldet eine Störung bei iCloud-Backup.')
  const list = { key: 'evidence.phone-says', values: { text: { list: ['a', { bytes: 5e9 }, { private: 'Ana' }] } } }
  assert.equal(speakerFor('en', { timeZone: 'UTC' }).say(list), 'On its screen it says: a, 5 GB, and Ana')
  const hiding = speakerFor('en', { timeZone: 'UTC', hidesPrivate: true })
  assert.equal(hiding.say(list), 'On its screen it says: a, 5 GB, and (name left out)')
})

test('texts speak of the very device', () => {
  const say = (language: 'en' | 'de', deviceClass: 'iPad' | 'iPod') =>
    speakerFor(language, { timeZone: 'UTC', deviceClass }).say({ key: 'cause.ios-outdated' })
  assert.equal(say('en', 'iPad'), 'There is a newer iPadOS for this iPad.')
  assert.equal(say('de', 'iPod'), 'Für dieses Gerät gibt es ein neueres iOS.')
})

test('names cannot become part of the grammar of a text', () => {
  const organization = { private: "{x} '# <b>" }
  const said = speakerFor('en', { timeZone: 'UTC' }).say({ key: 'evidence.managed-by', values: { organization } })
  assert.equal(said, "It is managed by {x} '# <b>.")
})

test('a key without a text, and a text without a value it needs, is a mistake', () => {
  const { say } = speakerFor('en', { timeZone: 'UTC' })
  assert.throws(() => say({ key: 'evidence.nonsense' }), /no text for evidence\.nonsense/)
  assert.throws(() => say({ key: 'evidence.phone-room' }))
})
