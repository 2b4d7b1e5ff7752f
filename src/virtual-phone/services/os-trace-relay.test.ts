import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { fromUtf8, utf8 } from '../../base/bytes.ts'
import { dictOf, type PlistDict, parsePlist } from '../../plist/index.ts'
import { tell } from '../testing/host.ts'
import { connectService, createServicePhone, type ServiceConnection } from '../testing/service-host.ts'
import { completeLine } from './log-line.ts'
import { encodeTraceRecord } from './os-trace-record.ts'
import { serveOsTraceRelay } from './os-trace-relay.ts'
import { encodeTar } from './tar.ts'

const BACKUPD_PID = 66

/** One frame: its kind, and its size in the byte order of that kind. */
async function readFrame({ channel }: ServiceConnection, kind: number): Promise<Buffer> {
  const head = Buffer.from(await channel.readExactly(5, { signal: NEVER }))
  assert.equal(head[0], kind)
  const size = kind === 1 ? head.readUInt32BE(1) : head.readUInt32LE(1)
  return Buffer.from(await channel.readExactly(size, { signal: NEVER }))
}

async function askRelay(relay: ServiceConnection, request: PlistDict): Promise<PlistDict> {
  await tell(relay.channel, request)
  return dictOf(parsePlist(await readFrame(relay, 1))) ?? {}
}

/** The text of a record, found where readers look for it. */
function messageOf(record: Buffer): string {
  const pathEnd = record.indexOf(0, 129) + 1
  const start = pathEnd + record.readUInt16LE(107)
  return record.toString('utf8', start, start + record.readUInt16LE(109) - 1)
}

test('a record has every field where readers of it look', () => {
  const record = Buffer.from(
    encodeTraceRecord(
      completeLine(
        { process: 'backupd', level: 'error', subsystem: 'com.apple.mobilebackup', category: 'Default', text: 'Bär' },
        { nowMs: 1_793_588_645_250 },
      ),
    ),
  )
  assert.equal(record.readUInt32LE(9), BACKUPD_PID)
  assert.equal(record.readUInt32LE(55), 1_793_588_645)
  assert.equal(record.readUInt32LE(63), 250_000)
  assert.equal(record[68], 16)
  assert.deepEqual([record.readUInt16LE(107), record.readUInt16LE(109)], [8, 5])
  assert.deepEqual([record.readUInt32LE(117), record.readUInt32LE(121)], [23, 8])
  assert.equal(record.toString('utf8', 129), '/usr/libexec/backupd\0backupd\0Bär\0com.apple.mobilebackup\0Default\0')
})

test('a record of a line without a subsystem counts none, and an endless line is cut', () => {
  const line = completeLine({ process: 'kernel', text: `a\0${'x'.repeat(70_000)}` }, { nowMs: 0 })
  const record = Buffer.from(encodeTraceRecord(line))
  assert.deepEqual([record.readUInt32LE(117), record.readUInt32LE(121)], [0, 0])
  assert.equal(record.readUInt16LE(109), 0xffff)
  assert.equal(messageOf(record).slice(0, 3), 'a x')
})

test('PidList names the processes by their pids', async () => {
  await using relay = connectService(serveOsTraceRelay, createServicePhone().phone)
  const { Status, Payload } = await askRelay(relay, { Request: 'PidList' })
  assert.equal(Status, 'RequestSuccessful')
  assert.deepEqual({ ...dictOf(dictOf(Payload)?.[BACKUPD_PID]) }, { ProcessName: 'backupd' })
})

test('the status is a plist of less than 256 bytes, as pymobiledevice3 reads its size from the last byte', async () => {
  await using relay = connectService(serveOsTraceRelay, createServicePhone().phone)
  await tell(relay.channel, { Request: 'StartActivity', Pid: 4_294_967_295, MessageFilter: 65_535, StreamFlags: 60 })
  const head = await relay.channel.readExactly(5, { signal: NEVER })
  assert.deepEqual([...head.subarray(0, 4)], [1, 0, 0, 0])
})

for (const [request, expected] of [
  [{ Pid: 4_294_967_295, StreamFlags: 60 }, ['backupd notice', 'backupd debug', 'cloudd error']],
  [{ Pid: -1, StreamFlags: 0x100 }, ['backupd notice', 'backupd info', 'cloudd error']],
  [{ Pid: BACKUPD_PID, StreamFlags: 0 }, ['backupd notice']],
] as const) {
  test(`StartActivity with ${JSON.stringify(request)} streams ${expected}`, async () => {
    const { phone } = createServicePhone()
    await using relay = connectService(serveOsTraceRelay, phone)
    phone.log({ process: 'backupd', text: 'nobody listens yet' })
    assert.equal((await askRelay(relay, { Request: 'StartActivity', ...request })).Status, 'RequestSuccessful')
    for (const level of ['notice', 'info', 'debug'] as const)
      phone.log({ process: 'backupd', level, text: `backupd ${level}` })
    phone.log({ process: 'cloudd', level: 'error', text: 'cloudd error' })
    phone.log({ process: 'backupd', pid: Number(request.Pid), text: 'end' })
    const heard: string[] = []
    for (;;) {
      const text = messageOf(await readFrame(relay, 2))
      if (text === 'end') break
      heard.push(text)
    }
    assert.deepEqual(heard, expected)
  })
}

test('CreateArchive sends a tar with the description of a log archive, and closes', async () => {
  await using relay = connectService(serveOsTraceRelay, createServicePhone().phone)
  assert.equal((await askRelay(relay, { Request: 'CreateArchive', AgeLimit: 60 })).Status, 'RequestSuccessful')
  const tar = await readFrame(relay, 3)
  const size = Number.parseInt(tar.toString('latin1', 124, 135), 8)
  assert.equal(tar.toString('latin1', 0, 33), 'system_logs.logarchive/Info.plist')
  assert.equal(dictOf(parsePlist(tar.subarray(512, 512 + size)))?.OSArchiveVersion, 5)
  assert.equal(await relay.channel.readSome(1, { signal: NEVER }), undefined)
})

test('an unknown request fails and the next one is answered', async () => {
  await using relay = connectService(serveOsTraceRelay, createServicePhone().phone)
  assert.equal((await askRelay(relay, { Request: 'MakeCoffee' })).Status, 'RequestFailed')
  assert.equal((await askRelay(relay, { Request: 'PidList' })).Status, 'RequestSuccessful')
})

// Source: POSIX.1-2017, pax, "ustar Interchange Format".
test('a tar archive is blocks of 512 bytes, with a header that sums itself up', () => {
  const tar = Buffer.from(encodeTar([{ name: 'a', bytes: utf8('hello') }], { nowMs: 0 }))
  assert.equal(tar.length, 4 * 512)
  assert.equal(tar.toString('latin1', 100, 108), '0000644\0')
  assert.equal(tar.toString('latin1', 257, 265), 'ustar\x0000')
  const header = Buffer.from(tar.subarray(0, 512))
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  assert.equal(Number.parseInt(tar.toString('latin1', 148, 154), 8), sum)
  assert.equal(fromUtf8(tar.subarray(512, 517)), 'hello')
  assert.ok(tar.subarray(517).every((byte) => byte === 0))
})
