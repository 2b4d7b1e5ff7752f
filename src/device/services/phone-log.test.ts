import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { concatBytes, utf8 } from '../../base/bytes.ts'
import type { ByteChannel } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { encodeBinaryPlist } from '../../plist/index.ts'
import { makePairing } from '../testing/fake-phone.ts'
import { encodeTraceRecord, traceFrame } from '../testing/log-records.ts'
import { manualClock } from '../testing/manual-clock.ts'
import type { ServiceScript } from '../testing/scripted-phone.ts'
import { scriptedPhone } from '../testing/scripted-phone.ts'
import { answering, framed } from '../testing/wire.ts'
import { listCrashReports, openCrashReports } from './crash-reports.ts'
import type { LogLine } from './log-line.ts'
import { openPhoneLog } from './phone-log.ts'

const signal = NEVER
const pairing = await makePairing('host')
const clock = manualClock()
const phoneWith = (services: { readonly [service: string]: ServiceScript }) =>
  scriptedPhone({ ...pairing, clock, services })

const OS_TRACE = 'com.apple.os_trace_relay'
const SYSLOG = 'com.apple.syslog_relay'
const record = {
  pid: 66,
  seconds: 1_700_000_000,
  microseconds: 5,
  level: 16,
  executable: '/usr/libexec/backupd',
  image: '',
  message: 'traced',
  subsystem: 'com.apple.mobilebackup',
  category: '',
}
const answered = (Status: string) => concatBytes([Uint8Array.of(1), framed(encodeBinaryPlist({ Status }))])

/** Hears one question, and says these bytes. */
const saying =
  (...bytes: readonly Uint8Array[]) =>
  async (far: ByteChannel) => {
    await answering(far, [])
    await far.write(bytes, { signal })
    await far[Symbol.asyncDispose]()
  }

const syslog = async (far: ByteChannel) => {
  await far.write(utf8('Nov 22 10:11:05 iPhone backupd[66] <Error>: logged\n\0odd\n\0'), { signal })
  await far[Symbol.asyncDispose]()
}

async function textsOf(lines: AsyncIterable<LogLine>): Promise<readonly string[]> {
  const texts: string[] = []
  const reading = (async () => {
    for await (const { text } of lines) texts.push(text)
  })()
  await assert.rejects(reading, (error) => isAppError(error, 'wire.closed'))
  return texts
}

test('the log comes from os_trace_relay, filtered, and what is skipped is counted', async () => {
  const lines = [record, { ...record, executable: '/x/other', message: 'other' }, { ...record, microseconds: 2e6 }]
  const frames = lines.map((line) => traceFrame(2, encodeTraceRecord(line)))
  const { phone, started } = phoneWith({
    [OS_TRACE]: saying(answered('RequestSuccessful'), ...frames),
    [SYSLOG]: syslog,
  })
  await using log = await openPhoneLog(phone, { process: 'backupd' }, { signal })
  assert.equal(log.service, 'os_trace_relay')
  assert.deepEqual(await textsOf(log.lines({ signal })), ['traced'])
  assert.equal(log.skipped, 1)
  assert.deepEqual(started, [OS_TRACE])
})

for (const [what, script] of [
  ['does not know os_trace_relay', 'InvalidService'],
  ['forbids os_trace_relay', 'ServiceProhibited'],
  ['does not start the stream', saying(answered('RequestFailed'))],
] as const) {
  test(`a phone that ${what} is asked for its syslog`, async () => {
    const { phone, started } = phoneWith({ [OS_TRACE]: script, [SYSLOG]: syslog })
    await using log = await openPhoneLog(phone, {}, { signal })
    assert.equal(log.service, 'syslog_relay')
    assert.deepEqual(await textsOf(log.lines({ signal })), ['logged', 'odd'])
    assert.deepEqual(started, [OS_TRACE, SYSLOG])
  })
}

test('a phone that was not unlocked since its restart is not asked twice', async () => {
  const { phone, started } = phoneWith({ [OS_TRACE]: 'PasswordProtected', [SYSLOG]: syslog })
  await assert.rejects(openPhoneLog(phone, {}, { signal }), (error) => isAppError(error, 'device.not-unlocked'))
  assert.deepEqual(started, [OS_TRACE])
})

test('a stream that the phone does not start is given up', async () => {
  const asked = Promise.withResolvers<void>()
  const stuck = async (far: ByteChannel) => {
    await answering(far, [])
    asked.resolve()
  }
  const opening = openPhoneLog(phoneWith({ [OS_TRACE]: stuck, [SYSLOG]: syslog }).phone, {}, { signal })
  await asked.promise
  clock.pass(30_000)
  await assert.rejects(opening, (error) => isAppError(error, 'device.not-answering'))
})

test('crash reports are listed after the phone has gathered them, which it says with a ping', async () => {
  const gathering = (said: string) => async (far: ByteChannel) => await far.write(utf8(said), { signal })
  const closed = async (far: ByteChannel) => await far[Symbol.asyncDispose]()
  const [mover, copier] = ['com.apple.crashreportmover', 'com.apple.crashreportcopymobile']
  const { phone, started } = phoneWith({ [mover]: gathering('ping\0'), [copier]: closed })
  await using afc = await openCrashReports(phone, { signal })
  assert.deepEqual(started, [mover, copier])
  await assert.rejects(listCrashReports(afc, { signal }).next(), (error) => isAppError(error, 'wire.closed'))
  const odd = phoneWith({ [mover]: gathering('pong\0'), [copier]: closed })
  await assert.rejects(openCrashReports(odd.phone, { signal }), (error) => isAppError(error, 'wire.bad-frame'))
})
