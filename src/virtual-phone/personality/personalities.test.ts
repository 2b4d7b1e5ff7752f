import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../../base/errors.ts'
import { createIdentity } from '../identity/identity.ts'
import { MODELS } from '../identity/models.ts'
import { PERSONALITIES, personalityOf } from './personalities.ts'
import { TRAITS, type Trait, traitsOf } from './traits.ts'

test('personalities have names of their own, known models, and go from iOS 12 to 27', () => {
  assert.equal(new Set(PERSONALITIES.map(({ name }) => name)).size, PERSONALITIES.length)
  for (const { name, model } of PERSONALITIES) {
    assert.ok(
      MODELS.some(({ productType }) => productType === model),
      `${name} is a ${model}`,
    )
  }
  const majors = PERSONALITIES.map(({ ios }) => Number.parseInt(ios, 10))
  assert.deepEqual([...new Set(majors)], [12, 13, 14, 15, 16, 17, 18, 26, 27])
})

test('a name that nobody knows is refused with those that are known', () => {
  assert.throws(
    () => personalityOf('iphone-99'),
    (error) => isAppError(error, 'virtual-phone.unknown-personality') && /iphone-6s-ios12/.test(error.remedy),
  )
})

for (const [name, pattern] of [
  ['iphone-6s-ios12', /^[0-9a-f]{40}$/],
  ['iphone-x-ios16', /^[0-9a-f]{40}$/],
  ['iphone-xr-ios15', /^00008020-[0-9A-F]{16}$/],
  ['iphone-17-ios26.4', /^00008150-[0-9A-F]{16}$/],
] as const) {
  test(`the UDID of ${name} has the form of its chip`, () => {
    const { model, ios } = personalityOf(name)
    assert.match(createIdentity({ seed: 1, model, ios }, {}).udid, pattern)
  })
}

const VERSIONS: readonly (readonly [trait: Trait, without: string, with_: string])[] = [
  ['modern-tls', '9.3.6', '10.0'],
  ['service-tls', '12.5.7', '13.0'],
  ['passcode-for-password', '12.5.7', '13.0'],
  ['device-link-400', '13.7', '14.0'],
  ['developer-mode', '15.8.3', '16.0'],
  ['passcode-for-backup', '16.0.3', '16.1'],
  ['passcode-for-backup', '15.7', '15.7.1'],
  ['passcode-for-backup', '14.8.1', '15.8'],
  ['no-mobile-gestalt', '17.3.1', '17.4'],
  ['boot-session-id', '17.7', '18.0'],
  ['auth-tag', '26.3.1', '26.4'],
  ['nested-battery', '26.9', '27.0'],
]

for (const [trait, before, from] of VERSIONS) {
  test(`iOS ${from} has ${trait}, iOS ${before} has not`, () => {
    assert.equal(traitsOf(before).has(trait), false)
    assert.equal(traitsOf(from).has(trait), true)
  })
}

test('every trait is tested, says what it means, and where it is from', () => {
  const tested = new Set(VERSIONS.map(([trait]) => trait))
  for (const { trait, means, source } of TRAITS) {
    assert.ok(tested.has(trait), trait)
    assert.ok(means.length > 10 && source.includes('.md#'))
  }
})
