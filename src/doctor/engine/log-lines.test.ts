import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { withLog } from './log-facts.ts'
import { type LogEvent, parseLogLine } from './log-lines.ts'
import { NOW } from './testing/made-facts.ts'

const TAIL = 'onCellular:0(0), autoBackupOnCellularEnabled:0, autoBackupOnCellularAllowedByProvider:1'
const well = { holds: true, enabled: true, locked: true, onPower: true, onWifi: true, onCellular: false }
const condition = (of: object, heldS?: number): LogEvent => ({
  kind: 'condition',
  condition: { ...well, ...of },
  heldS,
  isRestoring: false,
})

/** Lines as the documents of the reference have them. Source: docs/protocol/doctor.md#log-lines */
const LINES: readonly (readonly [string, string, LogEvent | undefined])[] = [
  [
    'all conditions hold',
    `=scheduler= [On condition] state changed, enabled:1, locked:1, onPower:1, onWiFi:1, ${TAIL}, passcodeChanged:0, managerStates:(null), changes:locked`,
    condition({}),
  ],
  [
    'power went after a while',
    `=scheduler= [Off condition after 412.7s] state changed, enabled:1, locked:1, onPower:0, onWiFi:1, ${TAIL}, managerStates:(null), changes:<private>`,
    condition({ holds: false, onPower: false }, 412.7),
  ],
  [
    'on cellular',
    '=scheduler= [Off condition] state changed, enabled:1, locked:1, onPower:1, onWiFi:0, onCellular:1(0), autoBackupOnCellularEnabled:0, autoBackupOnCellularAllowedByProvider:1, passcodeChanged:0, managerStates:(null), changes:<private>',
    condition({ holds: false, onWifi: false, onCellular: true }),
  ],
  [
    'in another order',
    '[Off condition] state changed, onWiFi:1, somethingNew:7, locked:0, onPower:1, enabled:1',
    condition({ holds: false, locked: false }),
  ],
  ['without one of the four', '[Off condition] state changed, onWiFi:1, locked:0, enabled:1', undefined],
  [
    'a restore goes on',
    `[Off condition] state changed, enabled:1, locked:1, onPower:1, onWiFi:1, ${TAIL}, managerStates:{Restoring}, changes:x`,
    { ...condition({ holds: false }), isRestoring: true } as LogEvent,
  ],
  [
    'iCloud is full',
    '=scheduler= Scheduler received backup failure notification for account <private>: Error Domain=MBErrorDomain Code=303 "Insufficient free space in iCloud" UserInfo={NSUnderlyingError=<private>}',
    { kind: 'failed', error: { domain: 'MBErrorDomain', code: 303 } },
  ],
  [
    'a masked failure',
    '=scheduler= Scheduler received backup failure notification for account <private>: <private>',
    { kind: 'failed', error: undefined },
  ],
  ['forbidden', '=managed-policy= Cloud backup is disabled by MDM (MBErrorDomain/22)', { kind: 'forbidden' }],
  ['backed up lately', '=scheduler= Already backed up recently (3600.5s)', { kind: 'already-backed-up', agoS: 3600.5 }],
  [
    'put off',
    '=scheduler= The next backup date was pushed later (7200s): 2026-11-24 03:10:00 +0000',
    { kind: 'next-backup', atMs: Date.parse('2026-11-24T03:10:00Z') },
  ],
  [
    'planned, among other dates',
    '=scheduler= lastBackupDate:2026-11-20 01:00:00 +0000, retryAfterDate:(null), nextBackupDateOnWiFi:2026-11-23 02:00:00 +0100, x',
    { kind: 'next-backup', atMs: Date.parse('2026-11-23T01:00:00Z') },
  ],
  ['planned without a zone', '=scheduler= nextBackupDateOnWiFi:2026-11-23 02:00:00', undefined],
  ['failures counted', '=scheduler= Updating FailureCount for account <private>: 4(3)', { kind: 'failures', count: 4 }],
  [
    'power lost',
    '=scheduler= The device lost power but is otherwise still in condition',
    { kind: 'lost', what: 'power' },
  ],
  [
    'Wi-Fi lost',
    '=scheduler= The device lost WiFi but is otherwise still in condition',
    { kind: 'lost', what: 'wifi' },
  ],
  ['begun', '=scheduler= Starting automatic backup for account <private>', { kind: 'started' }],
  ['done', '=scheduler= Scheduler received backup completion notification', { kind: 'completed' }],
  [
    'put off by the system',
    '=scheduler= Ignoring backup start request since the XPC activity com.apple.x needs to be deferred',
    { kind: 'deferred' },
  ],
  ['another matter', 'kernel: hello', undefined],
]

for (const [name, line, expected] of LINES) {
  test(`a log line: ${name}`, () => assert.deepEqual(parseLogLine(line), expected))
}

test('any text is a line', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc
          .constantFrom(...LINES.map(([, line]) => line))
          .chain((line) => fc.nat(line.length).map((at) => line.slice(0, at) + line.slice(at + 1))),
      ),
      (text) => {
        parseLogLine(text)
      },
    ),
  )
})

test('a line of a megabyte is cut, not searched', () => {
  assert.equal(parseLogLine(`${'enabled:1 '.repeat(100_000)}[On condition] state changed`), undefined)
})

test('the newest condition counts, errors add up, and what was known stays', () => {
  const log = [
    { event: condition({ holds: false, onWifi: false }), atMs: NOW - 2000 },
    { event: { kind: 'failed', error: { domain: 'MBErrorDomain', code: 303 } }, atMs: NOW - 1000 },
    { event: condition({}), atMs: NOW - 500 },
    { event: { kind: 'forbidden' }, atMs: NOW },
  ] as const
  const {
    condition: last,
    cloudErrors,
    isOnWifi,
  } = withLog({ isOnWifi: { kind: 'known', value: true, source: 'registry', atMs: NOW } }, log.toReversed())
  assert.deepEqual(last, { kind: 'known', value: well, source: 'phone-log', atMs: NOW - 500 })
  assert.deepEqual(cloudErrors?.kind === 'known' && cloudErrors.value.map(({ code }) => code), [22, 303])
  assert.equal(isOnWifi?.kind, 'known')
})

test('a masked failure makes no error of its own', () => {
  assert.deepEqual(withLog({}, [{ event: { kind: 'failed', error: undefined }, atMs: NOW }]), {})
})
