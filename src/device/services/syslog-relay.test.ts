import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NEVER } from '../../base/abort.ts'
import { fromUtf8, utf8 } from '../../base/bytes.ts'
import { isAppError } from '../../base/errors.ts'
import { encodeVis } from '../testing/log-records.ts'
import { everySplitOf, wireOf } from '../testing/wire.ts'
import type { LogLine } from './log-line.ts'
import { LOG_LEVELS } from './log-line.ts'
import { parseSyslogRecord, syslogLines } from './syslog-relay.ts'
import { decodeVis } from './vis.ts'

const signal = NEVER

/** What comes before the phone hangs up. */
async function linesIn(...pieces: readonly Uint8Array[]): Promise<readonly LogLine[]> {
  const lines: LogLine[] = []
  const reading = (async () => {
    for await (const line of syslogLines(wireOf(...pieces), { signal })) lines.push(line)
  })()
  await assert.rejects(reading, (error) => isAppError(error, 'wire.closed'))
  return lines
}

/** The record of docs/protocol/small-services.md#syslog-relay. */
const RECORD = 'Nov 22 10:11:05 iPhone SpringBoard(FrontBoard)[66] <Notice>: text\n\0'
const LINE = {
  time: 'Nov 22 10:11:05',
  process: 'SpringBoard',
  pid: 66,
  level: 'notice',
  image: 'FrontBoard',
  text: 'text',
}

test('a record is a line, however it was cut', async () => {
  for (const pieces of everySplitOf(utf8(RECORD))) assert.deepEqual(await linesIn(...pieces), [LINE])
})

test('a text of several lines is one record, and a day of one digit has a column in front', async () => {
  const lines = await linesIn(utf8(`Nov  2 10:11:05 Adas-iPhone kernel[0] <Error>: one\ntwo\n\0${RECORD}`))
  assert.deepEqual(lines, [
    { time: 'Nov  2 10:11:05', process: 'kernel', pid: 0, level: 'error', text: 'one\ntwo' },
    LINE,
  ])
})

test('a library without a name is none, and a level that is not known is left out', () => {
  const line = parseSyslogRecord('Nov 22 10:11:05 iPhone Some App()[7] <Loud>: [x] <y>: (z)')
  assert.deepEqual(line, { time: 'Nov 22 10:11:05', process: 'Some App', pid: 7, text: '[x] <y>: (z)' })
})

for (const level of ['Emergency', 'Alert', 'Critical', 'Error', 'Warning', 'Notice', 'Info', 'Debug']) {
  test(`${level} is a level`, () => {
    assert.equal(parseSyslogRecord(`Nov 22 10:11:05 i p[1] <${level}>: `).level, level.toLowerCase())
  })
}

test('garbage is a line of text, and empty records are none', async () => {
  const garbage = Buffer.concat([utf8('\0\n\0'), Uint8Array.of(0xff, 0xfe, 0x0a, 0), utf8('[start]\n\0')])
  assert.deepEqual(await linesIn(garbage), [{ text: '\ufffd\ufffd' }, { text: '[start]' }])
})

test('a record without end is cut at 64 KiB, and the next one is whole', async () => {
  const endless = new Uint8Array(1 << 20).fill(0x61)
  const lines = await linesIn(endless, utf8('b\n\0'), utf8(RECORD))
  assert.deepEqual([lines.length, lines[0]?.text.length, lines[1]], [2, 64 << 10, LINE])
})

test('no record takes long to understand', () => {
  const head = 'Nov 22 10:11:05 '
  for (const part of ['a', 'a ', '(', 'a(', '[1', 'a(b)[1] <', ' ', '\n']) {
    const record = head + part.repeat((64 << 10) / part.length)
    assert.deepEqual(parseSyslogRecord(record), { text: record })
  }
})

for (const [what, escaped, plain] of [
  ['a letter with an accent', '\\M-C\\M-)', 'é'],
  ['a high control character', '\\M-B\\M^A', '\u0081'],
  ['an octal number', '\\303\\251', 'é'],
  ['a backslash', '\\\\ \\134', '\\ \\'],
  ['a control character', '\\^[[31m', '\u001b[31m'],
  ['what is none', '\\x \\M \\9', '\\x \\M \\9'],
  ['one that is cut', 'a\\M-', 'a\\M-'],
  ['a backslash at the end', 'a\\', 'a\\'],
] as const) {
  test(`of the escapes of vis, ${what} is understood`, () => {
    assert.equal(fromUtf8(decodeVis(utf8(escaped))), plain)
  })
}

test('whatever is written as vis(3) does is read back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(fromUtf8(decodeVis(utf8(encodeVis(text)))), text.toWellFormed())
    }),
  )
})

test('no bytes break the reader', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }), async (pieces) => {
      for (const { text, level } of await linesIn(...pieces)) {
        assert.ok(text !== '' && (level === undefined || LOG_LEVELS.includes(level)))
      }
    }),
  )
})
