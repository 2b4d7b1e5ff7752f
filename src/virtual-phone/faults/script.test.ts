import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isAppError } from '../../base/errors.ts'
import type { Fault } from './fault.ts'
import { parseFaultScript } from './script.ts'

const service = 'com.apple.mobilebackup2'

const FAULTS: readonly Fault[] = [
  { do: 'cut', service, afterBytes: 1_000_000 },
  { do: 'cut', service, from: 'host', atMessage: 12, times: 3 },
  { do: 'stall', service, afterBytes: 5, ms: 40_000 },
  { do: 'slow', service, bytesPerSecond: 200_000 },
  { do: 'lock', service },
  { do: 'restart', service },
  { do: 'end-file', file: 3, code: 6, text: 'No such file or directory' },
  { do: 'send-twice', file: 3 },
  { do: 'misreport-size', bytes: 0 },
  { do: 'misjudge-room', freeBytes: 0, times: 2 },
  { do: 'large-manifest', bytes: 1_500_000_000 },
  { do: 'mischief', name: 'a block of 4 GiB' },
]

for (const fault of FAULTS) {
  test(`a script can say ${JSON.stringify(fault)}`, () => {
    assert.deepEqual(parseFaultScript(JSON.stringify({ faults: [fault] })), [fault])
  })
}

for (const [text, message] of [
  ['', /wrong at the top: it is no JSON/],
  ['[]', /wrong at the top: expected an object, got \[\]/],
  ['{}', /wrong at faults: expected a list of at most 10000, got nothing/],
  ['{"faults":[], "more":1}', /wrong at more: there is no such field here/],
  ['{"faults":[{}]}', /wrong at faults\[0\]\.do: expected one of cut, stall, .*, got nothing/],
  ['{"faults":[{"do":"cut","service":"x"},{"do":"dance"}]}', /wrong at faults\[1\]\.do: expected .*, got "dance"/],
  [
    '{"faults":[{"do":"cut"}]}',
    /wrong at faults\[0\]\.service: expected a text of at most 200 characters, got nothing/,
  ],
  ['{"faults":[{"do":"cut","service":"x","ms":5}]}', /wrong at faults\[0\]\.ms: there is no such field here/],
  [
    '{"faults":[{"do":"cut","service":"x","afterBytes":-1}]}',
    /faults\[0\]\.afterBytes: expected a whole number from 0/,
  ],
  ['{"faults":[{"do":"cut","service":"x","afterBytes":1,"atMessage":1}]}', /atMessage: give either this or afterBytes/],
  [
    '{"faults":[{"do":"cut","service":"com.apple.afc","atMessage":1}]}',
    /has messages of another form: give afterBytes/,
  ],
  ['{"faults":[{"do":"slow","service":"x","bytesPerSecond":0}]}', /bytesPerSecond: expected a whole number from 1/],
  ['{"faults":[{"do":"end-file","code":0}]}', /code: expected a whole number from 1 to 255, got 0/],
  ['{"faults":[{"do":"mischief","name":"none"}]}', /name: expected one of upload to the parent folder/],
  ['{"faults":[{"do":"large-manifest","bytes":1e12}]}', /bytes: expected a whole number from 0 to 3000000000/],
] as const) {
  test(`${text.slice(0, 80) || 'no text'} is refused with the place of the mistake`, () => {
    assert.throws(
      () => parseFaultScript(text),
      (error) => isAppError(error, 'virtual-phone.bad-faults') && message.test(error.message),
    )
  })
}

test('a script that is nested without end is refused, however deep', () => {
  for (const depth of [1_000, 30_000, 300_000]) {
    assert.throws(
      () => parseFaultScript(`{"faults":${'['.repeat(depth)}${']'.repeat(depth)}}`),
      (error) => isAppError(error, 'virtual-phone.bad-faults'),
    )
  }
})

test('any JSON is a fault script or refused', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      try {
        parseFaultScript(`{"faults":[${text}]}`)
      } catch (error) {
        assert.ok(isAppError(error, 'virtual-phone.bad-faults'))
      }
    }),
  )
})
