import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../base/errors.ts'
import type { CheckFinding, CheckReport } from '../repository/index.ts'
import { parseId } from '../repository/index.ts'
import { checkLines, lossOf, parseOldest, parseSubset } from './check-words.ts'

const id = parseId('ab'.repeat(32))!
const REPORT: CheckReport = {
  ok: false,
  findings: [],
  findingCount: 0,
  snapshots: 2,
  trees: 2,
  packs: 3,
  blobs: 4,
  packsRead: 3,
  sound: [],
  hurt: [],
}

function damage(kind: CheckFinding['kind'], subject: string): CheckFinding {
  return { kind, severity: 'damage', subject, sentence: 'it is broken' }
}

/** The numbered steps. */
const stepsOf = (...findings: readonly CheckFinding[]) =>
  checkLines({ ...REPORT, findings, findingCount: findings.length }).filter((line) => /^ {2}\d\. /.test(line))

test('parts, shares and sizes are read as restic writes them', () => {
  assert.deepEqual(parseSubset('2/7'), { kind: 'part', part: 2, parts: 7 })
  assert.deepEqual(parseSubset('0.5%'), { kind: 'share', percent: 0.5 })
  assert.deepEqual(parseSubset('10G'), { kind: 'bytes', bytes: 10 * 2 ** 30 })
  assert.deepEqual(parseOldest('5GiB'), { kind: 'oldest', bytesMax: 5 * 2 ** 30 })
  assert.deepEqual(parseOldest('30min'), { kind: 'oldest', msMax: 1_800_000 })
  assert.deepEqual(parseOldest('2h'), { kind: 'oldest', msMax: 7_200_000 })
  for (const text of ['', '0/1', '2/1', '1/257', '0%', '101%', '-1%', '1/', 'x']) {
    assert.throws(
      () => parseSubset(text),
      (error) => isAppError(error, 'cli.usage'),
      text,
    )
  }
})

test('a sound repository needs one line', () => {
  assert.deepEqual(checkLines({ ...REPORT, ok: true }), [
    'No damage found in 2 snapshots, 3 packs (all read), 4 blobs.',
  ])
})

test('what to do is said in the order in which to do it', () => {
  const steps = stepsOf(
    damage('index-damaged', `index/${id}`),
    damage('pack-damaged', `data/ab/${id}`),
    damage('file-damaged', `locks/${id}`),
  )
  const words = [
    'a copy of the repository',
    'phonekeep unlock --remove-all',
    'repair packs abababab',
    'repair index',
    'Back the phones',
  ]
  for (const [index, word] of words.entries()) assert.ok(steps[index]?.includes(word), steps.join('\n'))
  assert.ok(steps.at(-1)?.includes('repair snapshots'))
})

test('nothing is advised that does not help', () => {
  assert.deepEqual(stepsOf(damage('file-damaged', `keys/${id}`)).length, 2)
  assert.ok(!stepsOf(damage('index-damaged', `index/${id}`)).some((step) => step.includes('repair packs')))
})

test('who is hurt is named with what is lost, and names cannot steer the terminal', () => {
  const hurt = {
    id,
    time: '2026-01-02T03:04:05Z',
    hostname: 'iphone',
    files: 30,
    folders: 1,
    paths: [{ path: '/u/\u001b[2J', kind: 'file' as const, because: 'data/ab/cd' }],
  }
  const lines = checkLines({ ...REPORT, hurt: [hurt, { ...hurt, time: undefined }] })
  assert.ok(
    lines.some((line) =>
      /^HURT: snapshot abababab of 2026.*iphone: 30 files and 1 folder with everything in it$/.test(line),
    ),
  )
  assert.ok(lines.includes('  /u/\\x1b[2J: data/ab/cd'))
  assert.ok(lines.includes('  and 30 more (--json names all)'))
  assert.ok(lines.some((line) => line.includes('its own file cannot be read')))
  assert.ok(lines.includes('Wholly fine: no snapshot'))
  assert.equal(lossOf(0, 2), '2 folders with everything in them')
})
