import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isAppError } from '../../base/errors.ts'
import { createIdentity } from './identity.ts'
import { buildOf, MODELS } from './models.ts'

test('a seed always makes the same phone, another seed another', () => {
  assert.deepEqual(createIdentity({ seed: 1 }, {}), createIdentity({ seed: 1 }, {}))
  assert.notEqual(createIdentity({ seed: 1 }, {}).udid, createIdentity({ seed: 2 }, {}).udid)
})

test("a new phone's UDID is made of its chip and the chip's number, an old one's is 40 hex digits", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const { udid, chipNumber } = createIdentity({ seed, model: 'iPhone15,4' }, {})
      assert.match(udid, /^00008120-[0-9A-F]{16}$/)
      assert.equal(BigInt(`0x${udid.slice(9)}`), chipNumber)
      assert.match(createIdentity({ seed, model: 'iPhone10,4' }, {}).udid, /^[0-9a-f]{40}$/)
    }),
  )
})

test('every model of the table can be had', () => {
  for (const { productType } of MODELS)
    assert.equal(createIdentity({ seed: 1, model: productType }, {}).model.productType, productType)
})

test('a product type that is not in the table is made up, if it could be one', () => {
  assert.equal(createIdentity({ seed: 1, model: 'iPad99,9' }, {}).model.deviceClass, 'iPad')
  for (const model of ['', 'Pixel9,1', 'iPhone', 'iPhone15']) {
    assert.throws(
      () => createIdentity({ seed: 1, model }, {}),
      (error) => isAppError(error, 'virtual-phone.unknown-model'),
    )
  }
})

test('a version always has a dot, as libimobiledevice takes 18 for a phone older than iOS 7', () => {
  assert.equal(createIdentity({ seed: 1, ios: '18' }, {}).productVersion, '18.0')
  assert.equal(createIdentity({ seed: 1, ios: '17.6.1' }, {}).productVersion, '17.6.1')
  for (const ios of ['', 'x', '18.', '1.2.3.4', '-1']) {
    assert.throws(
      () => createIdentity({ seed: 1, ios }, {}),
      (error) => isAppError(error, 'virtual-phone.bad-version'),
    )
  }
})

for (const [version, build] of [
  ['18.5', '22F76'],
  ['26.1', '23B85'],
  ['18.3', '22D100'],
  ['17.6.1', '21G101'],
  ['27.0', '24A100'],
] as const) {
  test(`iOS ${version} is build ${build}`, () => assert.equal(buildOf(version), build))
}

test('a UDID can be given in both forms, and nothing else', () => {
  for (const udid of ['00008120-0012345678ABCDEF', 'a'.repeat(40)])
    assert.equal(createIdentity({ seed: 1, udid }, {}).udid, udid)
  for (const udid of ['', '../etc', 'a'.repeat(39)]) {
    assert.throws(
      () => createIdentity({ seed: 1, udid }, {}),
      (error) => isAppError(error, 'virtual-phone.bad-udid'),
    )
  }
})

test('what the contents tell counts where the options say nothing', () => {
  const origin = {
    deviceName: 'Old',
    productType: 'iPad14,1',
    productVersion: '17.1',
    buildVersion: '21B74',
    serialNumber: 'S',
  }
  const same = createIdentity({ seed: 1 }, origin)
  assert.deepEqual(
    [same.deviceName, same.model.productType, same.buildVersion, same.serialNumber],
    ['Old', 'iPad14,1', '21B74', 'S'],
  )
  const updated = createIdentity({ seed: 1, ios: '18.5', name: 'New' }, origin)
  assert.deepEqual([updated.deviceName, updated.productVersion, updated.buildVersion], ['New', '18.5', '22F76'])
})

test('the IMEI has a right check digit', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const digits = Array.from(createIdentity({ seed }, {}).imei, Number)
      assert.equal(digits.length, 15)
      const doubled = digits.map((digit, index) => (index % 2 === 1 ? [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][digit]! : digit))
      assert.equal(doubled.reduce((sum, digit) => sum + digit, 0) % 10, 0)
    }),
  )
})
