import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Facts } from './facts.ts'
import { judge, recentTrials, type Trial, type TrialResult } from './history.ts'
import { ago, error, madeFacts, NOW, STALE, type Tellings, WELL } from './testing/made-facts.ts'
import { HOUR_MS } from './thresholds.ts'

const tried = (remedy: Trial['remedy'], hours: number, cause?: Trial['cause']): Trial => ({
  remedy,
  cause,
  atMs: NOW - hours * HOUR_MS,
})

const CASES: readonly (readonly [string, Trial, Tellings, TrialResult])[] = [
  ['a newer backup', tried('restart', 12), { ...WELL, cloudLastMs: NOW - HOUR_MS }, 'helped'],
  ['this morning, and no night since', tried('charge-overnight', 3), STALE, 'too-early'],
  ['two nights ago, and no backup', tried('charge-overnight', 40), STALE, 'did-not-help'],
  [
    'an error since',
    tried('free-cloud-room', 3),
    { ...STALE, cloudErrors: [{ ...error(303), atMs: NOW - HOUR_MS }] },
    'did-not-help',
  ],
  ['an error before', tried('free-cloud-room', 3), { ...STALE, cloudErrors: [error(303)] }, 'too-early'],
  ['tapped, and it failed', tried('restart', 3), { ...STALE, backUpNow: 'failed' }, 'did-not-help'],
  ['tapped, and it runs', tried('restart', 3), { ...STALE, backUpNow: 'running' }, 'too-early'],
  ['tapped, and it worked', tried('restart', 3), { ...STALE, backUpNow: 'worked' }, 'helped'],
  ['the switch is on', tried('enable-cloud-backup', 0.001), STALE, 'helped'],
  [
    'the switch is off a moment later',
    tried('enable-cloud-backup', 0.001),
    { ...STALE, cloudSwitch: false },
    'too-early',
  ],
  [
    'the switch is off two minutes later',
    tried('enable-cloud-backup', 0.04),
    { ...STALE, cloudSwitch: false },
    'did-not-help',
  ],
  ['the switch cannot be read', tried('turn-on-switch', 1), { ...STALE, cloudSwitch: { unread: 'link' } }, 'too-early'],
  ['a backup here since', tried('back-up-here', 5), { ownLastMs: NOW - HOUR_MS }, 'helped'],
  [
    'a failure here since',
    tried('back-up-here', 5),
    { ownLastMs: ago(9), ownFailure: { code: 'device.gone', atMs: NOW } },
    'did-not-help',
  ],
  ['nothing here since', tried('back-up-here', 5), { ownLastMs: ago(9) }, 'too-early'],
  ['the phone is there', tried('unlock-once', 1, 'own-not-seen'), { reach: 'wifi' }, 'helped'],
  ['the phone is not there', tried('unlock-once', 1, 'own-not-seen'), { reach: 'absent' }, 'did-not-help'],
  ['room on our disk, no run since', tried('free-own-room', 1, 'own-disk-full'), { ownLastMs: ago(9) }, 'too-early'],
  ['it trusts us', tried('trust-computer', 1), { obstacle: 'absent' }, 'helped'],
  ['the repository opens', tried('unlock-repository', 1), { repositoryObstacle: 'absent' }, 'helped'],
  [
    'the repository is still locked',
    tried('unlock-repository', 1),
    { repositoryObstacle: 'repo.locked' },
    'did-not-help',
  ],
  ['a backup to the Mac since', tried('back-up-on-a-computer', 5), { anyComputerLastMs: NOW }, 'helped'],
]

for (const [name, trial, tellings, expected] of CASES) {
  test(`${trial.remedy}: ${name}: ${expected}`, () => assert.equal(judge(trial, madeFacts(tellings)), expected))
}

test('what is settled stays so', () => {
  assert.equal(judge({ ...tried('restart', 3), result: 'declined' }, madeFacts(WELL)), 'declined')
})

test('trials before the last backup belong to another trouble, and so do those of months ago', () => {
  const of = (facts: Facts, ...trials: readonly Trial[]) => recentTrials(trials, facts).length
  assert.equal(of(madeFacts(STALE), tried('restart', 24 * 30)), 0)
  assert.equal(of(madeFacts(STALE), tried('restart', 24 * 5)), 1)
  assert.equal(of(madeFacts({}), tried('restart', 24 * 70)), 0)
  assert.equal(of(madeFacts(WELL), tried('give-repository-password', 24 * 5)), 1)
})
