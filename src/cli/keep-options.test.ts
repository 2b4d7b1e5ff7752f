import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../base/errors.ts'
import { parseGroupBy, policyOf } from './keep-options.ts'
import { parseUnusedLimit } from './prune-words.ts'

const wrong = (error: unknown) => isAppError(error, 'cli.usage')

test('rules are read as restic reads them', () => {
  const policy = policyOf({ keepLast: '3', keepDaily: 'unlimited', keepWithinWeekly: '1y2d', keepTag: ['a,b', ''] })
  assert.equal(policy.last, 3)
  assert.equal(policy.counts.daily, Number.POSITIVE_INFINITY)
  assert.deepEqual(policy.withins.weekly, { years: 1, months: 0, days: 2, hours: 0 })
  assert.deepEqual(policy.tags, [['a', 'b'], ['']])
  for (const options of [{ keepLast: 'x' }, { keepHourly: '1.5' }, { keepWithin: '1w' }, { keepWithinDaily: '' }]) {
    assert.throws(() => policyOf(options), wrong)
  }
})

test('what to group by is a list of hosts, paths and tags, or nothing', () => {
  assert.deepEqual(parseGroupBy('paths,host'), ['host', 'paths'])
  assert.deepEqual(parseGroupBy('tag'), ['tags'])
  assert.deepEqual(parseGroupBy(''), [])
  for (const text of ['x', 'host,x', 'host,host']) assert.throws(() => parseGroupBy(text), wrong)
})

test('the limit for unused data is a share, a size or none', () => {
  assert.deepEqual(parseUnusedLimit('5%'), { percent: 5 })
  assert.deepEqual(parseUnusedLimit('0'), { bytes: 0 })
  assert.deepEqual(parseUnusedLimit('2G'), { bytes: 2 * 2 ** 30 })
  assert.deepEqual(parseUnusedLimit('unlimited'), { bytes: Number.POSITIVE_INFINITY })
  for (const text of ['100%', '-1', '5 percent', '']) assert.throws(() => parseUnusedLimit(text), wrong)
})
