import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeBinaryPlist, type Plist, PlistUid } from '../../plist/index.ts'
import { factsOfMobileBackup } from './mobile-backup-plist.ts'

const TAKEN_MS = Date.UTC(2026, 10, 20)
const FAILED_MS = Date.UTC(2026, 10, 18, 2, 31)

const errorsOf = (plist: Record<string, Plist>) => {
  const { cloudErrors } = factsOfMobileBackup(plist, TAKEN_MS)
  assert.ok(cloudErrors?.kind === 'known')
  return cloudErrors.value
}
const stateWith = (errors: Plist, more: Record<string, Plist> = {}) =>
  errorsOf({ BackupStateInfo: { isCloud: true, date: new Date(FAILED_MS), errors, ...more } })

/** As NSKeyedArchiver writes an NSError of a domain and a code. */
function archivedError(domain: string, code: number): Uint8Array {
  return encodeBinaryPlist({
    $archiver: 'NSKeyedArchiver',
    $version: 100_000,
    $top: { root: new PlistUid(1) },
    $objects: [
      '$null',
      { NSDomain: new PlistUid(2), NSCode: code, $class: new PlistUid(3) },
      domain,
      { $classname: 'NSError', $classes: ['NSError', 'NSObject'] },
    ],
  })
}

const FULL = [{ domain: 'MBErrorDomain', code: 303, atMs: FAILED_MS }]

for (const [what, errors, expected] of [
  ['a dictionary', [{ Domain: 'MBErrorDomain', Code: 303 }], FULL],
  ['an archived NSError', [archivedError('MBErrorDomain', 303)], FULL],
  ['a text', ['Error Domain=MBErrorDomain Code=303 "Insufficient free space in iCloud"'], FULL],
  ['no list', 'none', []],
  ['an empty list', [], []],
  ['data that is nothing', [new Uint8Array([1, 2, 3])], []],
  ['an error without a code', [{ Domain: 'MBErrorDomain' }], []],
  ['a domain that steers a terminal', [{ Domain: '\u001b[2J', Code: 1 }], []],
] as const) {
  test(`errors are read from ${what}`, () => assert.deepEqual(stateWith(errors), expected))
}

test('an error that sums up others brings those', () => {
  const below = [{ Domain: 'MBErrorDomain', Code: 303 }, archivedError('CKErrorDomain', 25)]
  const errors = stateWith([{ Domain: 'MBErrorDomain', Code: 2, UserInfo: { kMBUnderlyingErrorsKey: below } }])
  assert.deepEqual(
    errors.map(({ domain, code }) => [domain, code]),
    [
      ['MBErrorDomain', 2],
      ['MBErrorDomain', 303],
      ['CKErrorDomain', 25],
    ],
  )
})

test('an attempt without a date is as old as the backup, and a backup to a computer says nothing of iCloud', () => {
  const errors = [{ Domain: 'MBErrorDomain', Code: 303 }]
  assert.equal(errorsOf({ BackupStateInfo: { errors } })[0]?.atMs, TAKEN_MS)
  assert.deepEqual(stateWith(errors, { isCloud: false }), [])
})

test('the conditions that backupd noted tell of errors before them', () => {
  const fields = '2026-11-19T02:00:00Z|412|1|1|1|1|0|1|-5|0|3600|3|MBErrorDomain|308|2|0|0|0|0'
  const atMs = Date.UTC(2026, 10, 19, 1)
  assert.deepEqual(errorsOf({ LastOnConditionEvents: [fields, 'nonsense', 5] }), [
    { domain: 'MBErrorDomain', code: 308, atMs },
  ])
})

test('dates of the switch and of a restore are read, and odd ones are odd', () => {
  const atMs = Date.UTC(2024, 2, 2)
  const facts = factsOfMobileBackup(
    { AccountEnabledDate: new Date(atMs), RestoreInfo: { RestoreDate: 'long ago' } },
    TAKEN_MS,
  )
  assert.deepEqual(facts.cloudSwitchedOnMs, { kind: 'known', value: atMs, source: 'backup', atMs: TAKEN_MS })
  assert.deepEqual(facts.restoredMs, { kind: 'unread', why: 'odd', note: 'RestoreDate is a text' })
  assert.equal(factsOfMobileBackup({}, TAKEN_MS).restoredMs?.kind, 'absent')
})

test('nothing in the file, however nested, is a fault', () => {
  const { plist } = fc.letrec<{ plist: Plist }>((tie) => ({
    plist: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.uint8Array(),
      fc.date({ noInvalidDate: true }),
      fc.array(tie('plist'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('UserInfo', 'Domain', 'Code', 'NSUnderlyingError'), tie('plist')),
    ),
  }))
  fc.assert(
    fc.property(plist, (value) => {
      factsOfMobileBackup({ BackupStateInfo: { errors: [value] }, LastOnConditionEvents: value, RestoreInfo: value }, 0)
    }),
  )
})
