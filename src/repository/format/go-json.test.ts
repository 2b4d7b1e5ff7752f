import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { goJson, goTime, isName, nameBytes, nameOfBytes, quoteName, unquoteName } from './go-json.ts'

// Right-hand sides as Go's strconv.Quote gives them, without the outer quotes.
const QUOTED: readonly (readonly [name: string, quoted: string])[] = [
  ['3d0d7e5fb2ce288813306e4d4636395e047a3d28', '3d0d7e5fb2ce288813306e4d4636395e047a3d28'],
  ['say "hi"', 'say \\"hi\\"'],
  ['back\\slash', 'back\\\\slash'],
  ['\x07\b\f\n\r\t\v', '\\a\\b\\f\\n\\r\\t\\v'],
  ['\x00\x1f\x7f', '\\x00\\x1f\\x7f'],
  ['Zoë’s iPhone 📱', 'Zoë’s iPhone 📱'],
  ['a\u00a0b', 'a\\u00a0b'],
  ['👩\u200d👧', '👩\\u200d👧'],
  ['\ufeff\u2028\u00ad\uf8ff', '\\ufeff\\u2028\\u00ad\\uf8ff'],
  ['\u{e0061}', '\\U000e0061'],
  ['\udcff\udc80x', '\\xff\\x80x'],
]

for (const [name, quoted] of QUOTED) {
  test(`the name ${JSON.stringify(name)} is quoted as Go does, and back`, () => {
    assert.equal(quoteName(name), quoted)
    assert.equal(unquoteName(quoted), name)
  })
}

test('quoting and unquoting give every name back', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (name) => assert.equal(unquoteName(quoteName(name)), name)))
})

test('every sequence of bytes is a name, and gives the same bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const name = nameOfBytes(bytes)
      assert.ok(isName(name))
      assert.deepEqual(Buffer.from(nameBytes(name)), Buffer.from(bytes))
      assert.equal(unquoteName(quoteName(name)), name)
    }),
  )
})

for (const broken of ['\\', 'a"b', '\\q', '\\x1', '\\u12', '\\ud800', '\\U00110000', "\\'", 'line\nbreak']) {
  test(`${JSON.stringify(broken)} is no quoted name`, () => assert.equal(unquoteName(broken), undefined))
}

test('a lone surrogate that stands for no byte is no name', () => {
  assert.equal(isName('\ud800'), false)
  assert.equal(isName('\udc7f'), false)
})

test('stray bytes that together are UTF-8 are no name: the same bytes have another one', () => {
  assert.equal(isName('\udcc3\udca9'), false)
  assert.equal(isName('x\udcf0\udc9f\udc98\udc80'), false)
  assert.equal(isName('\udcc3'), true)
  assert.equal(isName('\udcc3é'), true)
})

test('JSON is escaped as Go does', () => {
  assert.equal(goJson({ a: '<&>\u2028', b: undefined, c: null }), '{"a":"\\u003c\\u0026\\u003e\\u2028","c":null}')
})

test('times have the shortest fraction', () => {
  assert.equal(goTime(Date.parse('2026-01-02T03:04:05.000Z')), '2026-01-02T03:04:05Z')
  assert.equal(goTime(Date.parse('2026-01-02T03:04:05.500Z')), '2026-01-02T03:04:05.5Z')
  assert.equal(goTime(Date.parse('2026-01-02T03:04:10.120Z')), '2026-01-02T03:04:10.12Z')
  assert.equal(goTime(0), '1970-01-01T00:00:00Z')
  assert.equal(goTime(Date.parse('0000-01-01T00:00:00Z')), '0000-01-01T00:00:00Z')
})

test('a time outside the years 0 to 9999 is a mistake of the caller', () => {
  assert.throws(() => goTime(Number.NaN))
  assert.throws(() => goTime(8.64e15))
})
