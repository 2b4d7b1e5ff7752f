import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CLOUD_CAUSES, OWN_CAUSES } from './causes.ts'
import { examine } from './checks.ts'
import { diagnose } from './diagnose.ts'
import type { FactName, Facts, Readings } from './facts.ts'
import type { CheckId } from './finding.ts'
import type { Trial } from './history.ts'
import { CAUSE_ORDER } from './order.ts'
import type { UnreadReason } from './reading.ts'
import { ACTIONS, WALKS } from './remedies.ts'
import { CONTENT, error, KEPT_HERE, madeFacts, NOW, STALE, WELL } from './testing/made-facts.ts'

const SOURCES = ['lockdown', 'phone-log', 'backup', 'notes', 'person'] as const
const FAILURES: readonly UnreadReason[] = ['no-phone', 'link', 'refused', 'odd', 'offline', 'unsure']
const UNREAD: readonly UnreadReason[] = ['not-asked', 'silent', ...FAILURES]

const yes = fc.boolean()
const time = fc.oneof(
  fc.integer({ min: NOW - 400 * 86_400_000, max: NOW + 40 * 86_400_000 }),
  fc.double(),
  fc.integer(),
)
const size = fc.oneof(fc.integer({ min: 0, max: 1e12 }), fc.double())
const text = fc.oneof(
  fc.string(),
  fc.constantFrom('iPhone15,4', '26.1', '27.1', '8.4', '24B91', '24C5054h', '__proto__'),
)
const count = fc.nat(10)
const light = fc.record(
  { light: fc.constantFrom('ok', 'outage', 'recently-fixed', 'unknown'), sinceMs: time },
  { requiredKeys: ['light'] },
)
const someError = fc.record({
  domain: fc.constantFrom('MBErrorDomain', 'CKErrorDomain', 'NSURLErrorDomain', 'constructor', ''),
  code: fc.oneof(
    fc.constantFrom(1, 3, 9, 17, 22, 25, 106, 202, 203, 209, 300, 303, 304, 305, 308, 310, -1003),
    fc.integer(),
  ),
  atMs: time,
})
const room = fc.record({ freeBytes: size })
const use = fc.record({ usedBytes: size, totalBytes: size })
const code = fc.constantFrom(
  'device.not-paired',
  'device.locked',
  'device.gone',
  'repo.locked',
  'repo.no-space',
  'device.backup-no-passcode',
  'device.backup-password',
  'odd',
  'valueOf',
)

const VALUES: { readonly [Name in FactName]: fc.Arbitrary<unknown> } = {
  deviceClass: fc.constantFrom('iPhone', 'iPad', 'iPod'),
  model: text,
  ios: text,
  build: text,
  language: text,
  timeZone: text,
  reach: fc.constantFrom('usb', 'wifi'),
  obstacle: code,
  isLocked: yes,
  hasPasscode: yes,
  upSinceMs: time,
  clockAheadMs: fc.oneof(fc.integer({ min: -1000, max: 1000 }), time),
  ownClockAheadMs: fc.integer({ min: -1000, max: 1000 }),
  phoneRoom: room,
  apps: fc.array(fc.record({ id: text, name: text, dataBytes: size }), { maxLength: 3 }),
  management: fc.record(
    { isSupervised: yes, profiles: count, organization: text, forbidsCloud: yes },
    { requiredKeys: ['isSupervised', 'profiles'] },
  ),
  setup: fc.constantFrom('done', 'unfinished'),
  hasLowPowerMode: yes,
  hasLowDataMode: yes,
  hasVpn: yes,
  hasScreenTimeLock: yes,
  hasAdvancedDataProtection: yes,
  cloudSwitch: yes,
  cloudLastMs: time,
  cloudSwitchedOnMs: time,
  restoredMs: time,
  cloudErrors: fc.array(someError, { maxLength: 4 }),
  cloudNextMs: time,
  condition: fc.record({ holds: yes, enabled: yes, locked: yes, onPower: yes, onWifi: yes, onCellular: yes }),
  isRestoring: yes,
  message: fc.constantFrom(
    'storage-full',
    'not-backed-up-in-weeks',
    'switch-is-grey',
    'being-restored',
    'no-wifi',
    'none',
  ),
  backUpNow: fc.constantFrom('worked', 'failed', 'greyed-out', 'running'),
  cloudRoom: use,
  isSignedIn: yes,
  accountWantsAttention: yes,
  power: fc.record(
    {
      isConnected: yes,
      isCharging: yes,
      canCharge: yes,
      isFull: yes,
      isDraining: yes,
      percent: fc.nat(100),
      adapter: fc.record({ isUnrecognized: yes, watts: fc.double() }),
    },
    { requiredKeys: ['isConnected'] },
  ),
  isOnWifi: yes,
  link: fc.record({ medianMs: fc.double(), slowMs: fc.double(), lostShare: fc.double() }),
  nights: fc.record({
    watched: count,
    inCondition: count,
    withoutPower: count,
    withoutLock: count,
    withoutWifi: count,
  }),
  chargesAtNight: yes,
  locksAtNight: yes,
  wifiAtNight: yes,
  services: fc.record({ backup: light, account: light, storage: light }),
  newestIos: fc.record({ version: text, isLastForModel: yes }),
  ownLastMs: time,
  ownFailure: fc.record({ code, atMs: time }),
  lastSeenMs: time,
  wifiConnections: yes,
  isEncrypted: yes,
  requiresEncryption: yes,
  knowsPassword: yes,
  repositoryObstacle: code,
  ownRoom: room,
  ownAllowance: use,
  anyComputerLastMs: time,
}

const NAMES = Object.keys(VALUES) as readonly FactName[]

function readingsOf(value: fc.Arbitrary<unknown>, unread: readonly UnreadReason[]) {
  const from = { source: fc.constantFrom(...SOURCES), atMs: fc.oneof(fc.constant(NOW), time) }
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('known'), value, ...from }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('absent'), ...from }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('unread'), why: fc.constantFrom(...unread) }) },
  )
}

/** Any readings; more often than not on the ground of a phone that is well, or weeks behind. */
const someFacts: fc.Arbitrary<Facts> = fc
  .tuple(
    fc.constantFrom({}, WELL, STALE, { ...STALE, ...CONTENT, ...KEPT_HERE }),
    fc.record(Object.fromEntries(NAMES.map((name) => [name, readingsOf(VALUES[name], UNREAD)])), { requiredKeys: [] }),
    fc.subarray([...NAMES]),
  )
  .map(([ground, readings, kept]) => ({
    nowMs: NOW,
    readings: {
      ...madeFacts(ground).readings,
      ...(Object.fromEntries(
        Object.entries(readings).filter(([name]) => kept.some((one) => one === name)),
      ) as Readings),
    },
  }))

const someTrials: fc.Arbitrary<readonly Trial[]> = fc.array(
  fc.record(
    {
      remedy: fc.constantFrom(...ACTIONS, ...WALKS),
      cause: fc.option(fc.constantFrom(...CLOUD_CAUSES, ...OWN_CAUSES), { nil: undefined }),
      atMs: time,
      result: fc.constantFrom('helped', 'did-not-help', 'declined'),
    },
    { requiredKeys: ['remedy', 'cause', 'atMs'] },
  ),
  { maxLength: 5 },
) as fc.Arbitrary<readonly Trial[]>

test('any facts and any history come to a diagnosis', () => {
  fc.assert(
    fc.property(someFacts, someTrials, (facts, history) => {
      const { findings, cause, others, nextStep } = diagnose(facts, history)
      assert.ok(findings.length >= 23)
      assert.ok(cause === undefined || !others.includes(cause))
      assert.ok(nextStep === undefined || nextStep.leadsTo !== nextStep.remedy)
    }),
    { numRuns: 300 },
  )
})

test('where nothing was read, whyever, no check finds a problem or is ok', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...UNREAD), { minLength: NAMES.length, maxLength: NAMES.length }), (whys) => {
      const readings = Object.fromEntries(
        NAMES.map((name, at) => [name, { kind: 'unread', why: whys[at] }]),
      ) as Readings
      for (const { status, check } of examine({ nowMs: NOW, readings })) {
        assert.ok(status === 'unknown' || status === 'asked', check)
      }
    }),
  )
})

/** Two facts only correct the date of the last backup; without them it is taken as it is. */
const HIDEABLE = NAMES.filter((name) => name !== 'ownClockAheadMs' && name !== 'restoredMs')

test('what can no longer be read turns no check to ok', () => {
  fc.assert(
    fc.property(someFacts, fc.constantFrom(...HIDEABLE), fc.constantFrom(...FAILURES), (facts, hidden, why) => {
      const before = okChecks(facts)
      const after = okChecks({ ...facts, readings: { ...facts.readings, [hidden]: { kind: 'unread', why } } })
      for (const check of after) assert.ok(before.has(check), `${check} is ok without ${hidden}`)
    }),
    { numRuns: 2000 },
  )
})

test('nothing that is hidden from a healthy phone makes an alarm', () => {
  for (const name of NAMES) {
    for (const why of FAILURES) {
      const facts = madeFacts({ ...WELL, ...KEPT_HERE, [name]: { unread: why } })
      assert.deepEqual(diagnose(facts).cause, undefined, `${name} ${why}`)
    }
  }
})

test('a problem rests on facts that are there', () => {
  fc.assert(
    fc.property(someFacts, (facts) => {
      for (const finding of examine(facts)) {
        if (finding.status !== 'problem') continue
        const used = finding.evidence.flatMap((evidence) => evidence.facts)
        assert.ok(
          used.some((name) => facts.readings[name]?.kind !== 'unread' && facts.readings[name] !== undefined),
          finding.check,
        )
      }
    }),
    { numRuns: 500 },
  )
})

test('no cause is left without a place in the order', () => {
  assert.deepEqual(CAUSE_ORDER.toSorted(), [...CLOUD_CAUSES, ...OWN_CAUSES].toSorted())
})

test('errors of the last backup that worked are void', () => {
  const facts = madeFacts({ ...STALE, cloudErrors: [error(303, 40)] })
  assert.equal(diagnose(facts).cause, undefined)
})

function okChecks(facts: Facts): ReadonlySet<CheckId> {
  return new Set(examine(facts).flatMap(({ check, status }) => (status === 'ok' ? [check] : [])))
}

test('with the switch still off, it is the switch that comes next, not a backup by hand or a night', () => {
  const facts = madeFacts({ ...STALE, cloudSwitch: false })
  const first = diagnose(facts).nextStep
  const trial: Trial = { remedy: 'turn-on-switch', cause: 'switch-off', atMs: NOW }
  const second = diagnose(facts, [trial]).nextStep
  assert.deepEqual([first?.remedy, second?.cause], ['enable-cloud-backup', 'switch-off'])
  assert.ok(second !== undefined && !['back-up-now', 'wait-a-night'].includes(second.remedy))
})
