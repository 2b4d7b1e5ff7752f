import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareIos } from './ios-version.ts'

for (const [older, newer] of [
  ['9.3', '10.0'],
  ['15.7.1', '16'],
  ['16.1', '16.1.1'],
  ['18.7', '18.10'],
] as const) {
  test(`iOS ${older} is older than ${newer}`, () => {
    assert.ok(compareIos(older, newer) < 0)
    assert.ok(compareIos(newer, older) > 0)
  })
}

test('a version is as old as itself with zeroes', () => {
  assert.equal(compareIos('16.1', '16.1.0'), 0)
  assert.equal(compareIos('', '0'), 0)
})
