import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BackupFacts, judgeRestore, type PhoneFacts } from './restore-checks.ts'

const PHONE: PhoneFacts = {
  udid: 'a'.repeat(40),
  ios: '18.5',
  model: 'iPhone15,4',
  availableBytes: 64e9,
  batteryPercent: 80,
  isOnPower: false,
  isFindMyOn: false,
  isSupervised: false,
}
const BACKUP: BackupFacts = {
  udid: 'a'.repeat(40),
  ios: '18.5',
  model: 'iPhone15,4',
  snapshotState: 'finished',
  bytes: 32e9,
  isEncrypted: true,
  password: 'opens',
  completeness: { kind: 'compared', files: 9, missing: 0, emptied: 0, examples: [] },
}

test('a backup that goes back to its own charged phone passes everything', () => {
  const checks = judgeRestore(BACKUP, PHONE)
  assert.deepEqual(new Set(checks.map(({ verdict }) => verdict)), new Set(['ok']))
  assert.equal(new Set(checks.map(({ check }) => check)).size, checks.length)
})

const other = 'b'.repeat(40)

for (const [what, facts, check, verdict] of [
  ['an unfinished backup', { backup: { snapshotState: 'moving' } }, 'finished', 'stop'],
  ['a backup without a state', { backup: { snapshotState: undefined } }, 'finished', 'stop'],
  [
    'a password that is missing',
    { backup: { password: 'missing', completeness: { kind: 'closed' } } },
    'password',
    'stop',
  ],
  ['a list that is closed', { backup: { password: 'wrong', completeness: { kind: 'closed' } } }, 'complete', 'warn'],
  ['a wrong password', { backup: { password: 'wrong' } }, 'password', 'stop'],
  ['keys that are damaged', { backup: { password: 'unknown' } }, 'password', 'warn'],
  ['a list that is damaged', { backup: { completeness: { kind: 'damaged', saw: 'It is torn' } } }, 'complete', 'stop'],
  ['a newer iOS in the backup', { backup: { ios: '18.5.1' } }, 'ios', 'stop'],
  ['an older iOS in the backup', { backup: { ios: '9.3' } }, 'ios', 'ok'],
  ['an iOS that is not known', { phone: { ios: undefined } }, 'ios', 'warn'],
  ['an iPad’s backup', { backup: { model: 'iPad14,1' } }, 'model', 'warn'],
  ['a newer iPhone', { phone: { model: 'iPhone17,3', udid: other } }, 'model', 'ok'],
  ['another iPhone, unencrypted', { phone: { udid: other }, backup: { isEncrypted: false } }, 'model', 'warn'],
  ['the same iPhone, unencrypted', { backup: { isEncrypted: false } }, 'model', 'ok'],
  ['exactly enough room', { phone: { availableBytes: 32e9 } }, 'room', 'ok'],
  ['a byte too little room', { phone: { availableBytes: 32e9 - 1 } }, 'room', 'stop'],
  ['room that is not told', { phone: { availableBytes: undefined } }, 'room', 'warn'],
  ['half a battery', { phone: { batteryPercent: 50 } }, 'battery', 'ok'],
  ['less than half', { phone: { batteryPercent: 49 } }, 'battery', 'stop'],
  ['an empty battery on power', { phone: { batteryPercent: 1, isOnPower: true } }, 'battery', 'ok'],
  ['a battery that is not told', { phone: { batteryPercent: undefined } }, 'battery', 'warn'],
  ['Find My', { phone: { isFindMyOn: true } }, 'find-my', 'stop'],
  ['Find My that is not told', { phone: { isFindMyOn: undefined } }, 'find-my', 'warn'],
  ['supervision before iOS 27', { phone: { ios: '26.4', isSupervised: true } }, 'supervision', 'ok'],
  ['supervision with iOS 27', { phone: { ios: '27.0', isSupervised: true } }, 'supervision', 'stop'],
  ['no supervision with iOS 27', { phone: { ios: '27.0', isSupervised: false } }, 'supervision', 'ok'],
  ['supervision that iOS 27 does not tell', { phone: { ios: '27', isSupervised: undefined } }, 'supervision', 'warn'],
] as const) {
  test(`${what}: ${verdict}`, () => {
    const phone = 'phone' in facts ? { ...PHONE, ...facts.phone } : PHONE
    const backup = 'backup' in facts ? { ...BACKUP, ...facts.backup } : BACKUP
    const found = judgeRestore(backup, phone).find((one) => one.check === check)
    assert.equal(found?.verdict, verdict)
    assert.ok(found.saw.length > 5)
    if (found.verdict !== 'ok') assert.ok(found.remedy.length > 10)
  })
}

test('missing files stop, and emptied ones warn, with their names', () => {
  const lacking = (missing: number) => {
    const completeness = { kind: 'compared', files: 9, missing, emptied: 2, examples: ['0a', '0b'] } as const
    return judgeRestore({ ...BACKUP, completeness }, PHONE).find(({ check }) => check === 'complete')
  }
  assert.equal(lacking(1)?.verdict, 'stop')
  assert.match(lacking(1)?.saw ?? '', /^1 of 9 files .*0a, 0b/)
  assert.equal(lacking(0)?.verdict, 'warn')
  assert.match(lacking(0)?.saw ?? '', /^2 of 9 files .*0a, 0b/)
})
