import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { type Diagnosis, type Finding, NINE } from '../engine.ts'
import { type Language, speakerFor } from '../texts/speaker.ts'
import { diagnosisLines } from './screen.ts'

const NOW_MS = Date.parse('2026-11-22T08:00:00Z')
const DAY_MS = 24 * 60 * 60 * 1000

const seen = (key: string, values = {}) => ({ message: { key: `evidence.${key}`, values }, facts: [] })
const ok = (check: Finding['check'], ...evidence: Finding['evidence']): Finding => ({ check, status: 'ok', evidence })

const last = seen('cloud-last', { when: { dateMs: NOW_MS - 50 * DAY_MS }, age: { spanMs: 50 * DAY_MS } })

const full: Diagnosis = {
  verdict: { icloud: 'problem', local: 'off', protected: 'at-risk' },
  cause: 'storage-full',
  others: ['own-never-made'],
  findings: NINE.map((check): Finding => {
    if (check === 'switch') return ok('switch', seen('switch-on'), last)
    if (check === 'account') return { check, status: 'asked', question: 'account-badge', evidence: [] }
    if (check === 'settings') return { check, status: 'unknown', evidence: [seen('settings-untold')] }
    if (check !== 'storage') return ok(check)
    const evidence = [seen('cloud-room-tight', { free: { bytes: 5e7 }, total: { bytes: 5e9 } })]
    return { check, status: 'problem', cause: 'storage-full', certainty: 'certain', evidence }
  }),
  nextStep: { remedy: 'delete-old-backup', cause: 'storage-full', thenBackUpNow: true },
  question: undefined,
  escalation: [],
}

const healthy: Diagnosis = {
  ...full,
  verdict: { icloud: 'healthy', local: 'healthy', protected: 'protected' },
  cause: undefined,
  others: [],
  findings: NINE.map((check) => ok(check)),
  nextStep: undefined,
}

const linesOf = (
  diagnosis: Diagnosis,
  { language = 'en' as Language, columns = 80, hasColor = false, ios = '17.5' } = {},
) => {
  const speaker = speakerFor(language, { timeZone: 'UTC', nowMs: NOW_MS, deviceClass: 'iPhone' })
  return diagnosisLines(diagnosis, { model: 'iPhone14,5', ios, deviceClass: 'iPhone' }, speaker, { columns, hasColor })
}

test('a diagnosis says how it stands, why, what was seen, what to do, and what was looked at', () => {
  assert.deepEqual(linesOf(full), [
    'iPhone 13, iOS 17.5',
    'This iPhone has a copy, but it is growing old.',
    'Backups to iCloud are not working.',
    'Phonekeep has no backup of it.',
    '',
    'Most likely cause:',
    'There is not enough room left in your iCloud. A backup is only kept if all of it',
    'fits. The free plan holds 5 GB, and the backup of an old device may fill much of',
    'it.',
    '',
    'What was seen:',
    '- The switch for iCloud Backup is on.',
    '- The last iCloud backup that succeeded was on October 3 at 8:00 AM, 7 weeks',
    '  ago.',
    '- Only 50 MB of 5 GB are free in iCloud.',
    '',
    'What to do now:',
    'Delete the iCloud backup of a device you no longer have. Old backups often take',
    'up most of the room.',
    'Please know beforehand: That old backup cannot be brought back.',
    '  1. Open “Settings” and tap these, one after the other: your name at the very',
    '     top, “iCloud”, “Manage Account Storage”, “Backups”.',
    '  2. Tap a device that you no longer use. Leave this iPhone alone.',
    '  3. Right at the bottom, tap “Delete & Turn Off Backup” (in red, perhaps worded',
    '     a little differently) and confirm. Not there? Open “Settings”, pull the',
    '     list down a little and type “iCloud Backup” into the search box.',
    '  4. Open “Settings” and tap these, one after the other: your name at the very',
    '     top, “iCloud”, “iCloud Backup”. Then tap “Back Up Now”.',
    '',
    'Also noticed:',
    '- Phonekeep has not backed this iPhone up yet.',
    '',
    'The nine checks:',
    'Fine          Is iCloud Backup switched on?',
    'Fine          Is the Wi-Fi good enough?',
    'Fine          Does it charge at night, screen off?',
    'Problem       Is there room in iCloud?',
    'Fine          Is Apple’s iCloud working?',
    'Not told yet  Is the account in order?',
    'Fine          Is no restart needed?',
    'Not known     Are the settings in order?',
    '              No computer can see this. It matters only when all else has been',
    '              tried.',
    'Fine          Is iOS up to date?',
  ])
})

test('a healthy phone hears that there is nothing to do', () => {
  const lines = linesOf(healthy, { language: 'de' })
  assert.deepEqual(lines.slice(0, 6), [
    'iPhone 13, iOS 17.5',
    'Dieses iPhone ist geschützt.',
    'Backups in die iCloud funktionieren.',
    'Phonekeep-Backups funktionieren.',
    '',
    'Es gibt nichts zu tun.',
  ])
})

test('lines keep to the width of the page', () => {
  for (const language of ['en', 'de'] as const) {
    for (const columns of [40, 60, 80]) {
      for (const line of linesOf(full, { language, columns, ios: '27.1' })) {
        assert.ok(line.length <= columns, `${columns}: ${line}`)
      }
    }
  }
})

test('colours change nothing in the words', () => {
  const colored = linesOf(full, { hasColor: true })
  assert.notDeepEqual(colored, linesOf(full))
  assert.deepEqual(colored.map(stripVTControlCharacters), linesOf(full))
})

test('of the other checks only those that found something are told', () => {
  const findings: readonly Finding[] = [
    ...healthy.findings,
    ok('clock', seen('clock-right')),
    { check: 'management', status: 'asked', question: 'managed', evidence: [] },
    { check: 'own-runs', status: 'problem', cause: 'own-overdue', certainty: 'certain', evidence: [seen('own-never')] },
  ]
  const lines = linesOf({ ...healthy, findings })
  assert.deepEqual(lines.slice(lines.indexOf('Further checks:')), [
    'Further checks:',
    'Problem       Is the Phonekeep backup recent?',
    '              There is no Phonekeep backup yet.',
  ])
})

test('a name from a phone cannot steer the terminal', () => {
  const organization = { private: 'Evil\u001b[2J\u202eCorp\r\n' }
  const findings: readonly Finding[] = [
    {
      check: 'management',
      status: 'problem',
      cause: 'managed',
      certainty: 'likely',
      evidence: [seen('managed-by', { organization })],
    },
  ]
  const text = linesOf({ ...full, findings, cause: 'managed' }).join('\n')
  assert.match(text, /managed by Evil\[2JCorp/)
  for (const character of ['\u001b', '\u202e', '\r']) assert.ok(!text.includes(character))
})
