import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NEVER } from '../../base/abort.ts'
import { concatBytes, utf8 } from '../../base/bytes.ts'
import type { ByteChannel } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import type { Plist, PlistDict } from '../../plist/index.ts'
import { dictOf, encodeBinaryPlist, parsePlist } from '../../plist/index.ts'
import type { TraceRecord } from '../testing/log-records.ts'
import { encodeTraceRecord, traceFrame } from '../testing/log-records.ts'
import { everySplitOf, framed, hex, wire, wireOf } from '../testing/wire.ts'
import type { LogLine } from './log-line.ts'
import { decodeTraceRecord } from './os-trace-record.ts'
import { readLogArchive, readProcesses, startActivity, traceLines } from './os-trace-relay.ts'

const signal = NEVER
const code = (expected: string) => (error: unknown) => isAppError(error, expected)
const SUCCESS = { Status: 'RequestSuccessful' }

/** The byte 1, u32 big-endian, a binary property list. */
const answered = (value: Plist) => concatBytes([Uint8Array.of(1), framed(encodeBinaryPlist(value))])

/** The lines that come before the phone hangs up, and how many were skipped. */
async function linesIn(...pieces: readonly Uint8Array[]) {
  const lines: LogLine[] = []
  let skipped = 0
  const reading = (async () => {
    for await (const line of traceLines(wireOf(...pieces), { onSkipped: () => skipped++, signal })) lines.push(line)
  })()
  await assert.rejects(reading, code('wire.closed'))
  return { lines, skipped }
}

/** Laid out by hand from docs/protocol/small-services.md#os-trace-relay: backupd (pid 66) says "Hi" as an error. */
const GOLDEN = hex(`
  00 00000000 00000000  42000000  4200000000000000  000102030405060708090a0b0c0d0e0f
  000000000000000000000000000000000000  e98c7065 00000000  40e20100 00  10
  00000000  0000000000000000 0000  0000000000000000  000102030405060708090a0b0c0d0e0f
  0800  0300  0000  00000000  04000000  02000000  00000000
  2f782f6261636b75706400  2f6c2f4c696200  00  486900  61 2e6200  6300`)

test('a record is read by its layout', () => {
  assert.deepEqual(decodeTraceRecord(GOLDEN), {
    time: '2023-12-06T15:02:01.123456Z',
    process: 'backupd',
    pid: 66,
    level: 'error',
    image: 'Lib',
    subsystem: 'a.b',
    category: 'c',
    text: 'Hi',
  })
})

const text = fc.string({ unit: 'grapheme', maxLength: 30 }).map((any) => any.toWellFormed().replaceAll('\0', ''))
const name = text.map((any) => any.replaceAll('/', ''))
const record: fc.Arbitrary<TraceRecord> = fc.record({
  pid: fc.nat(0xffff_ffff),
  seconds: fc.nat(0xffff_ffff),
  microseconds: fc.nat(999_999),
  level: fc.constantFrom(0, 1, 2, 3, 16, 17, 99),
  executable: name.map((any) => `/usr/libexec/${any}`),
  image: name,
  message: text,
  subsystem: text,
  category: text,
})
const LEVELS = new Map([
  [0, 'notice'],
  [1, 'info'],
  [2, 'debug'],
  [3, 'user-action'],
  [16, 'error'],
  [17, 'fault'],
])

test('whatever a record holds is read back, in any pieces', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(record, { maxLength: 5 }), fc.nat(2000), async (records, cut) => {
      const bytes = concatBytes([new Uint8Array(0), ...records.map((one) => traceFrame(2, encodeTraceRecord(one)))])
      const { lines, skipped } = await linesIn(bytes.subarray(0, cut), bytes.subarray(cut))
      assert.equal(skipped, 0)
      assert.equal(lines.length, records.length)
      for (const [index, line] of lines.entries()) {
        const { pid, seconds, microseconds, level, executable, image, message, subsystem, category } = records[index]!
        assert.deepEqual(
          [line.pid, line.level, line.process, line.image, line.text, line.subsystem, line.category],
          [
            pid,
            LEVELS.get(level),
            executable.slice(13) || undefined,
            image || undefined,
            message,
            subsystem || undefined,
            category || undefined,
          ],
        )
        assert.equal(Date.parse(line.time!), seconds * 1000 + Math.floor(microseconds / 1000))
      }
    }),
    { numRuns: 50 },
  )
})

test('a stream of records does not care how it was cut', async () => {
  const stream = concatBytes([traceFrame(2, GOLDEN), traceFrame(2, GOLDEN)])
  for (const pieces of everySplitOf(stream)) assert.equal((await linesIn(...pieces)).lines.length, 2)
})

const whole = {
  pid: 1,
  seconds: 1,
  microseconds: 1,
  level: 0,
  executable: '/x',
  image: 'i',
  message: 'm',
  subsystem: 's',
  category: 'c',
}

for (const [what, broken] of [
  ['nothing in it', new Uint8Array(0)],
  ['its numbers alone', encodeTraceRecord(whole).subarray(0, 129)],
  ['no end of its program', new Uint8Array(200).fill(0x61)],
  ['a message longer than itself', encodeTraceRecord({ ...whole, sizes: { message: 0xffff } })],
  ['a subsystem of 4 GiB', encodeTraceRecord({ ...whole, sizes: { subsystem: 0xffff_ffff } })],
  ['a category one byte too long', encodeTraceRecord({ ...whole, sizes: { category: 3 } })],
  ['a second of more than a second', encodeTraceRecord({ ...whole, microseconds: 1_000_000 })],
] as const) {
  test(`a record with ${what} is skipped and counted, and the next one is read`, async () => {
    const { lines, skipped } = await linesIn(traceFrame(2, broken), traceFrame(2, GOLDEN))
    assert.deepEqual([lines.length, skipped], [1, 1])
  })
}

test('counts that are too short give less text, never what is behind', () => {
  const line = decodeTraceRecord(encodeTraceRecord({ ...whole, message: 'message', sizes: { message: 2 } }))
  assert.equal(line?.text, 'me')
})

test('no bytes break the record reader', () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 100, maxLength: 300 }), (bytes) => void decodeTraceRecord(bytes)))
})

test('a record of a gigabyte, or something else than a record, ends the log', async () => {
  const lines = (bytes: Uint8Array) => traceLines(wireOf(bytes), { onSkipped: () => undefined, signal }).next()
  await assert.rejects(lines(hex('02 00000040')), code('wire.bad-frame'))
  await assert.rejects(lines(hex('07 01000000 00')), code('wire.bad-frame'))
})

/** Plays the phone: the question is noted, and these bytes follow. */
async function playing(far: ByteChannel, ...bytes: readonly Uint8Array[]): Promise<PlistDict> {
  const size = Buffer.from(await far.readExactly(4, { signal })).readUInt32BE()
  const question = dictOf(parsePlist(await far.readExactly(size, { signal }))) ?? {}
  await far.write(bytes, { signal })
  await far[Symbol.asyncDispose]()
  return question
}

function relayThat(...bytes: readonly Uint8Array[]) {
  const { near, far } = wire()
  return { near, question: playing(far, ...bytes) }
}

test('the log is asked for with the flags of others, of all processes or of one', async () => {
  const all = relayThat(answered(SUCCESS))
  await startActivity(all.near, { withInfo: false, signal })
  const question = { Request: 'StartActivity', Pid: 4_294_967_295, MessageFilter: 65_535, StreamFlags: 60 }
  assert.deepEqual({ ...(await all.question) }, question)
  const one = relayThat(answered(SUCCESS))
  await startActivity(one.near, { pid: 66, withInfo: true, signal })
  assert.deepEqual({ ...(await one.question) }, { ...question, Pid: 66, StreamFlags: 316 })
})

test('a refused log is an error that says how', async () => {
  const refused = relayThat(answered({ Status: 'RequestFailed' }))
  const saw = (error: unknown) => isAppError(error, 'device.log-refused') && /RequestFailed/.test(error.message)
  await assert.rejects(startActivity(refused.near, { withInfo: false, signal }), saw)
  await assert.rejects(
    startActivity(relayThat(hex('02 00000000')).near, { withInfo: false, signal }),
    code('wire.bad-frame'),
  )
})

test('processes are listed by their ids; what is none is left out', async () => {
  const Payload = { 66: { ProcessName: 'backupd' }, x: { ProcessName: 'x' }, 7: { Other: 1 }, 8: 'y' }
  const { near, question } = relayThat(answered({ ...SUCCESS, Payload }))
  assert.deepEqual([...(await readProcesses(near, { signal }))], [[66, 'backupd']])
  assert.deepEqual({ ...(await question) }, { Request: 'PidList' })
})

test('an archive is the content of its chunks, until the phone hangs up', async () => {
  const { near, question } = relayThat(
    answered(SUCCESS),
    traceFrame(3, utf8('abc')),
    traceFrame(3, new Uint8Array(600_000)),
  )
  const pieces = await Array.fromAsync(readLogArchive(near, { SizeLimit: 5, signal }))
  assert.deepEqual(
    pieces.map(({ length }) => length),
    [3, 262_144, 262_144, 75_712],
  )
  assert.deepEqual({ ...(await question) }, { Request: 'CreateArchive', SizeLimit: 5 })
})

test('an archive that ends within a chunk, or that is refused, is an error', async () => {
  const read = (...bytes: readonly Uint8Array[]) =>
    Array.fromAsync(readLogArchive(relayThat(...bytes).near, { signal }))
  await assert.rejects(read(answered(SUCCESS), hex('03 05000000 6161')), code('wire.closed'))
  await assert.rejects(read(answered(SUCCESS), hex('02 01000000 61')), code('wire.bad-frame'))
  await assert.rejects(read(answered({ Status: 'RequestFailed' })), code('device.log-refused'))
})
