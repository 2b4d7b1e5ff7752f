import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CLOUD_CAUSES, type Diagnosis, EVIDENCE, type Finding, type MessageValue, NINE } from './engine.ts'
import { reportMarkdown, reportOf } from './report.ts'

const NOW_MS = Date.parse('2026-11-22T08:00:00Z')
const source = {
  patient: { model: 'iPhone14,5', ios: '18.5' },
  build: '22F76',
  timeZone: 'UTC',
  nowMs: NOW_MS,
} as const

const managed = (organization: MessageValue): Diagnosis => ({
  verdict: { icloud: 'off', local: 'off', protected: 'unprotected' },
  cause: 'managed',
  others: ['phone-full'],
  findings: [
    ...NINE.map((check): Finding => ({ check, status: 'unknown', evidence: [] })),
    {
      check: 'management',
      status: 'problem',
      cause: 'managed',
      certainty: 'likely',
      evidence: [{ message: { key: 'evidence.managed-by', values: { organization } }, facts: [] }],
    },
  ],
  nextStep: { remedy: 'ask-administrator', cause: 'managed', thenBackUpNow: false },
  question: 'screen-time',
  escalation: [],
})

test('a report has the shape that programs rely on', () => {
  const diagnosis = managed({ private: 'Acme' })
  const report = reportOf({ ...source, diagnosis, language: 'en' })
  assert.deepEqual(report.verdict, { icloud: 'off', local: 'off', protected: 'unprotected' })
  assert.equal(report.cause, 'managed')
  assert.deepEqual(report.findings[0], { check: 'switch', status: 'unknown', evidence: [] })
  assert.deepEqual(
    report.findings.map(({ check }) => check),
    NINE,
  )
  assert.deepEqual(report.otherFindings, [
    { check: 'management', status: 'problem', evidence: ['It is managed by (name left out).'] },
  ])
  assert.equal(report.nextStep?.remedy, 'ask-administrator')
  assert.ok((report.nextStep?.steps.length ?? 0) > 2)
  assert.deepEqual(report.phone, { name: 'iPhone 13', model: 'iPhone14,5', ios: '18.5', build: '22F76' })
  assert.equal(report.madeAt, '2026-11-22T08:00:00.000Z')
})

test('several findings of one check become one, with the worst status', () => {
  const findings: readonly Finding[] = [
    { check: 'power', status: 'ok', evidence: [] },
    { check: 'power', status: 'problem', cause: 'no-power', certainty: 'likely', evidence: [] },
  ]
  const report = reportOf({ ...source, diagnosis: { ...managed(''), findings }, language: 'en' })
  assert.deepEqual(report.findings, [{ check: 'power', status: 'problem', evidence: [] }])
})

test('the report to read tells the same, and what was tried', () => {
  const tried = [{ remedy: 'restart', cause: undefined, atMs: NOW_MS, result: 'did-not-help' }] as const
  const text = reportMarkdown({ ...source, diagnosis: managed({ private: 'Acme' }), tried, language: 'de' })
  assert.match(text, /^# Bericht über die Backups eines iPhones\n/)
  assert.match(text, /- iPhone 13, iOS 18\.5 \(iPhone14,5, 22F76\)\n/)
  assert.match(text, /## Wahrscheinlichste Ursache\n\nEine Firma oder Schule .* \(`managed`\)/)
  assert.match(text, /\n1\. Öffnen Sie „Einstellungen“/)
  assert.match(text, /Starten Sie das iPhone neu\. \(`restart`, hat nicht geholfen\)/)
})

/** Values that a text counts or measures. */
const NUMBERS: Readonly<Record<string, MessageValue>> = {
  nights: 2,
  without: 1,
  count: 3,
  ms: 40,
  lostPercent: 5,
  watts: 20,
  by: { spanMs: 5 },
}

test('no private value ever appears in a report', () => {
  const secrets = fc.stringMatching(/^[A-Za-zÄÖÜäöü0-9@]{6,20}$/).map((text) => `§${text}§`)
  const keys = Object.keys(EVIDENCE)
  fc.assert(
    fc.property(secrets, fc.constantFrom(...keys), fc.constantFrom(...CLOUD_CAUSES), (secret, key, cause) => {
      const names: readonly string[] = EVIDENCE[key as keyof typeof EVIDENCE]
      const value: MessageValue = { private: secret }
      const nested: MessageValue = {
        list: [value, { message: { key: 'evidence.managed-by', values: { organization: value } } }],
      }
      const values = Object.fromEntries(names.map((name) => [name, NUMBERS[name] ?? nested]))
      const evidence = [{ message: { key: `evidence.${key}`, values }, facts: [] }]
      const findings: readonly Finding[] = [
        { check: 'storage', status: 'problem', cause, certainty: 'likely', evidence },
      ]
      const diagnosis = { ...managed(value), findings, cause }
      for (const language of ['en', 'de'] as const) {
        assert.ok(!JSON.stringify(reportOf({ ...source, diagnosis, language })).includes(secret))
        assert.ok(!reportMarkdown({ ...source, diagnosis, language }).includes(secret))
      }
    }),
  )
})

test('what identifies by its form is left out even where nobody marked it as private', () => {
  const identifiers = [
    '00008110-000A1234567B801E',
    'a3f9c2d41b0e5f67a3f9c2d41b0e5f67a3f9c2d4',
    '44:f2:1b:0a:9c:de',
    '192.168.178.23',
    'fe80:0:0:0:1c2d:3e4f:5a6b:7c8d',
    'ana.muster@example.org',
    'F2LXK0A1PLJM',
    '9F82F113-0A1B-4C2D-8E3F-001122334455',
  ]
  for (const identifier of identifiers) {
    const diagnosis = managed(`Nr. ${identifier} hier`)
    const report = `${JSON.stringify(reportOf({ ...source, diagnosis, language: 'de' }))}${reportMarkdown({ ...source, diagnosis, language: 'de' })}`
    assert.ok(!report.includes(identifier), identifier)
  }
  const text = reportMarkdown({
    ...source,
    diagnosis: managed('iOS 18.7.10 um 10:15, MBErrorDomain 303'),
    language: 'de',
  })
  assert.match(text, /iOS 18\.7\.10 um 10:15, MBErrorDomain 303/)
})

test('a name cannot become markup', () => {
  const text = reportMarkdown({ ...source, diagnosis: managed('[x](http://y) <b>*'), language: 'en' })
  assert.ok(text.includes('\\[x\\](http://y) \\<b\\>\\*'))
})
