import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isAppError } from '../base/errors.ts'
import {
  countOf,
  formatDuration,
  formatSize,
  formatTime,
  parseSize,
  plainText,
  sentence,
  shortened,
  widthOf,
  wrapped,
} from './words.ts'

for (const [text, bytes] of [
  ['0', 0],
  ['1000000', 1_000_000],
  ['1k', 1024],
  ['500MB', 500_000_000],
  ['500MiB', 524_288_000],
  ['1.5g', 1_610_612_736],
  ['6GiB', 6_442_450_944],
  ['2 TiB', 2_199_023_255_552],
  ['10b', 10],
] as const) {
  test(`"${text}" is ${bytes} bytes`, () => assert.equal(parseSize(text), bytes))
} // prettier-ignore

for (const text of ['', 'much', '-1', '1e3', '1.2.3', '5 XB', '99999999 TiB', 'constructor', '1__proto__']) {
  test(`"${text}" is no size`, () =>
    assert.throws(
      () => parseSize(text),
      (error) => isAppError(error, 'cli.usage'),
    ))
}

test('sizes are printed as restic prints them', () => {
  assert.deepEqual([0, 1023, 1536, 5 * 2 ** 20, 1.5 * 2 ** 30].map(formatSize), [
    '0 B',
    '1023 B',
    '1.5 KiB',
    '5.00 MiB',
    '1.50 GiB',
  ])
})

test('times are minutes and seconds, with hours only where there are any', () => {
  assert.deepEqual([0, 7_400, 754_000, 3_723_000].map(formatDuration), ['0:00', '0:07', '12:34', '1:02:03'])
})

test('one is counted differently from many', () => {
  assert.deepEqual(
    [0, 1, 12_345].map((count) => countOf(count, 'file')),
    ['0 files', '1 file', '12,345 files'],
  )
})

test('a text that would steer a terminal or turn the line around is shown harmless', () => {
  assert.equal(plainText('a\u001b[31mb\nc\u202ed'), 'a\\x1b[31mb\\x0ac\\x202ed')
  assert.equal(plainText('Zoë’s 📱'), 'Zoë’s 📱')
})

test('a text is as wide as a terminal shows it', () => {
  const widths = ['Ana', '日本語', 'アイフォン', '한국', '📱', 'e\u0301', 'a\u200b', '½ …'].map(widthOf)
  assert.deepEqual(widths, [3, 6, 10, 4, 2, 1, 1, 3])
})

test('a text is shortened to whole characters', () => {
  assert.equal(shortened('日本語', 6), '日本語')
  assert.equal(shortened('日本語', 5), '日本…')
  assert.equal(shortened('日本語', 4), '日…')
  assert.equal(shortened('📱📱', 3), '📱…')
})

test('a time is told where no time zone is known', (context) => {
  const { TZ } = process.env
  context.after(() => {
    if (TZ === undefined) delete process.env.TZ
    else process.env.TZ = TZ
  })
  process.env.TZ = ''
  assert.equal(formatTime('2026-11-22T12:34:56.7Z'), '2026-11-22 12:34:56')
})

test('a line is broken between words, and what follows stands under its beginning', () => {
  assert.deepEqual(wrapped('  one two three', 9), ['  one two', '  three'])
  assert.deepEqual(wrapped('Name  of the phone', 12), ['Name  of the', '  phone'])
  assert.deepEqual(wrapped('日本語 日本語', 8), ['日本語', '日本語'])
  assert.deepEqual(wrapped('a word-wider-than-this b', 6), ['a', 'word-wider-than-this', 'b'])
  for (const line of ['', 'short', '\u001b[31mcoloured and laid out\u001b[0m'])
    assert.deepEqual(wrapped(line, 5), [line])
})

test('no word is lost or broken, however narrow the terminal', () => {
  const words = fc.array(fc.stringMatching(/^[a-z日📱]{1,12}$/u), { minLength: 1 })
  fc.assert(
    fc.property(words, fc.integer({ min: 1, max: 60 }), (words, columns) => {
      const rows = wrapped(words.join(' '), columns)
      assert.equal(rows.join(' '), words.join(' '))
      for (const row of rows) assert.ok(widthOf(row) <= columns || !row.includes(' '), row)
    }),
  )
})

test('a sentence has one end', () => {
  assert.deepEqual(['It is full', 'It is full.', 'Go on?'].map(sentence), ['It is full.', 'It is full.', 'Go on?'])
})
