import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { type Diagnosis, type Finding, NINE } from '../engine.ts'
import { type Language, speakerFor } from '../texts/speaker.ts'
import { adviceLines, diagnosisLines } from './screen.ts'

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
  { language = 'en' as Language, columns = 80, hasColor = false, ios = '17.5', isBrief = false } = {},
) => {
  const speaker = speakerFor(language, { timeZone: 'UTC', nowMs: NOW_MS, deviceClass: 'iPhone' })
  const told = isBrief ? adviceLines : diagnosisLines
  return told(diagnosis, { model: 'iPhone14,5', ios, deviceClass: 'iPhone' }, speaker, { columns, hasColor })
}

test('a diagnosis says how it stands, what was looked at, why, what was seen, and last what to do', () => {
  assert.deepEqual(linesOf(full), [
    'iPhone 13, iOS 17.5',
    'This iPhone has a copy, but it is growing old.',
    'Backups to iCloud are not working.',
    'Phonekeep has no backup of it.',
    '',
    'The nine checks:',
    'Fine          Is iCloud Backup switched on?',
    'Fine          Is the Wi-Fi good enough?',
    'Fine          Does it charge at night, screen off?',
    'Problem       Is there room in iCloud?',
    'Fine          Is Apple’s iCloud working?',
    'Needs answer  Is the account in order?',
    'Fine          Does it work without a restart?',
    'Not known     Are the settings in order?',
    '              No computer can see this. It matters only when all else has been',
    '              tried.',
    'Fine          Is iOS up to date?',
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
    'Also noticed:',
    '- Phonekeep has not backed this iPhone up yet.',
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
  ])
})

test('a healthy phone hears that there is nothing to do', () => {
  const lines = linesOf(healthy, { language: 'de' })
  assert.deepEqual(lines.slice(0, 5), [
    'iPhone 13, iOS 17.5',
    'Dieses iPhone ist geschützt.',
    'Backups in die iCloud funktionieren.',
    'Phonekeep-Backups funktionieren.',
    '',
  ])
  assert.deepEqual(lines.slice(-2), ['', 'Es gibt nichts zu tun.'])
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
    '',
    'There is nothing to do.',
  ])
})

const unread = (check: Finding['check'], why: string): Finding => ({
  check,
  status: 'unknown',
  evidence: [seen('unread', { why: { message: { key: `unread.${why}` } } })],
})

const silent: Diagnosis = {
  ...full,
  cause: 'own-not-trusted',
  others: [],
  findings: [
    ...NINE.map((check) => unread(check, check === 'service' ? 'offline' : 'refused')),
    unread('clock', 'refused'),
    unread('own-password', 'refused'),
  ],
}

test('a reason why much could not be read is told once, and what nobody asked about is left out', () => {
  const lines = linesOf(silent)
  assert.deepEqual(lines.slice(lines.indexOf('The nine checks:'), lines.indexOf('Perhaps:')), [
    'The nine checks:',
    'Not known     Is iCloud Backup switched on?',
    'Not known     Is the Wi-Fi good enough?',
    'Not known     Does it charge at night, screen off?',
    'Not known     Is there room in iCloud?',
    'Not known     Is Apple’s iCloud working?',
    '              This could not be found out: Apple could not be reached.',
    'Not known     Is the account in order?',
    'Not known     Does it work without a restart?',
    'Not known     Are the settings in order?',
    'Not known     Is iOS up to date?',
    'Why not more is known: the iPhone gave no answer.',
    '',
  ])
})

test('what the person did not know is not held against them', () => {
  const findings = NINE.map((check) => unread(check, check === 'storage' ? 'unsure' : 'offline'))
  assert.doesNotMatch(linesOf({ ...full, findings }).join(' '), /nobody could say/)
})

test('a cause that nothing points to is called a guess', () => {
  assert.ok(linesOf({ ...full, cause: 'ios-outdated' }).includes('Perhaps:'))
  assert.ok(linesOf(full).includes('Most likely cause:'))
})

test('where no backups of our own are set up, that is said once', () => {
  const verdict = { ...full.verdict, local: 'unknown' } as const
  const findings: readonly Finding[] = [
    ...healthy.findings,
    { check: 'own-runs', status: 'unknown', evidence: [seen('own-not-set-up')] },
  ]
  const text = linesOf({ ...healthy, verdict, findings }).join('\n')
  assert.equal(text.split('Phonekeep itself is not set up to make backups here.').length, 2)
  assert.doesNotMatch(text, /Further checks|Nothing is known/)
})

test('in brief only the advice is told', () => {
  const lines = linesOf(full, { isBrief: true })
  assert.equal(lines[0], 'Most likely cause:')
  assert.ok(!lines.includes('The nine checks:'))
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
