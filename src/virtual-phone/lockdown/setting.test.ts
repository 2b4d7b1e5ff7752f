import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isAppError } from '../../base/errors.ts'
import { parseSetting } from './setting.ts'

const CASES = [
  [':DeviceName=Anna', { domain: '', key: 'DeviceName', value: 'Anna' }],
  [':DeviceName=', { domain: '', key: 'DeviceName', value: '' }],
  [':DeviceName=a=b:c', { domain: '', key: 'DeviceName', value: 'a=b:c' }],
  [
    'com.apple.mobile.battery:BatteryIsCharging=false',
    { domain: 'com.apple.mobile.battery', key: 'BatteryIsCharging', value: false },
  ],
  ['a:b=true', { domain: 'a', key: 'b', value: true }],
  ['a:b=-42', { domain: 'a', key: 'b', value: -42 }],
  ['a:b=9007199254740993', { domain: 'a', key: 'b', value: 9007199254740993n }],
  ['a:b=9223372036854775808', { domain: 'a', key: 'b', value: '9223372036854775808' }],
  ['a:b=2026-03-01', { domain: 'a', key: 'b', value: new Date('2026-03-01T00:00:00Z') }],
  ['a:b=2026-03-01T20:15:00Z', { domain: 'a', key: 'b', value: new Date('2026-03-01T20:15:00Z') }],
  ['a:b=2026-99-01', { domain: 'a', key: 'b', value: '2026-99-01' }],
  ['a:b=18.5', { domain: 'a', key: 'b', value: '18.5' }],
] as const

for (const [text, setting] of CASES) {
  test(`${text} sets a ${setting.value instanceof Date ? 'date' : typeof setting.value}`, () => {
    assert.deepEqual(parseSetting(text), setting)
  })
}

for (const text of ['', ':', '=', 'a', 'a=b', 'a=b:c', 'a:=b', ':=', 'a b:c=d']) {
  test(`${JSON.stringify(text)} is no setting`, () => {
    assert.throws(
      () => parseSetting(text),
      (error) => isAppError(error, 'virtual-phone.bad-setting'),
    )
  })
}

test('any text is a setting or refused', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseSetting(text)
      } catch (error) {
        assert.ok(isAppError(error, 'virtual-phone.bad-setting'))
      }
    }),
  )
})
