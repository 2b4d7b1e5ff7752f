import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { concatBytes, utf8 } from '../../base/bytes.ts'
import type { ByteChannel } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { everySplitOf, hex, wire, wireOf } from '../testing/wire.ts'
import { AFC_MODE, Afc } from './afc.ts'
import type { AfcPacket } from './afc-packet.ts'
import { AFC, cString, encodeAfcPacket, readAfcPacket, u64s } from './afc-packet.ts'

const signal = NEVER
const none = new Uint8Array(0)
const code = (expected: string) => (error: unknown) => isAppError(error, expected)

/** FILE_OPEN, mode 2, of `/a`, as packet 3. Source: docs/protocol/small-services.md. */
const OPEN = hex(`
  43 46 41 36 4c 50 41 41  33 00 00 00 00 00 00 00  33 00 00 00 00 00 00 00  03 00 00 00 00 00 00 00  0d 00 00 00 00 00 00 00
  02 00 00 00 00 00 00 00  2f 61 00`)
/** A DATA answer with its content in the payload part, as every client needs it. */
const DATA_ABC = hex(`
  43 46 41 36 4c 50 41 41  2b 00 00 00 00 00 00 00  28 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00  02 00 00 00 00 00 00 00
  61 62 63`)

test('a packet is written with both lengths, its number and its operation', () => {
  const fixed = concatBytes([u64s(AFC_MODE.readWrite), cString('/a')])
  const packet = encodeAfcPacket({ number: 3, operation: AFC.open, fixed, payload: none })
  assert.deepEqual(Buffer.from(concatBytes(packet)), Buffer.from(OPEN))
})

test('a packet is read the same however it was cut', async () => {
  for (const pieces of everySplitOf(DATA_ABC)) {
    const { number, operation, fixed, payload } = await readAfcPacket(wireOf(...pieces), { signal })
    assert.deepEqual([number, operation, fixed.length, Buffer.from(payload).toString()], [1, AFC.data, 0, 'abc'])
  }
})

const header = (whole: string, withFixed: string) =>
  hex(`43 46 41 36 4c 50 41 41 ${whole} ${withFixed} 0100000000000000 0200000000000000`)

for (const [name, bytes] of [
  ['no magic', new Uint8Array(40)],
  ['a whole shorter than its header', header('2700000000000000', '2700000000000000')],
  ['a fixed part longer than the whole', header('3000000000000000', '3100000000000000')],
  ['8 GiB', header('0000000002000000', '2800000000000000')],
  ['a length that is no number of bytes', header('ffffffffffffffff', 'ffffffffffffffff')],
] as const) {
  test(`an AFC packet of ${name} ends the connection`, async () => {
    await assert.rejects(readAfcPacket(wireOf(bytes), { signal }), code('wire.bad-frame'))
  })
}

type Answer = Partial<AfcPacket> & { readonly operation: number }

/** Plays the phone: one answer to each request. */
async function play(far: ByteChannel, answers: readonly Answer[]): Promise<AfcPacket[]> {
  const requests: AfcPacket[] = []
  for (const answer of answers) {
    const request = await readAfcPacket(far, { signal })
    requests.push(request)
    await far.write(encodeAfcPacket({ number: request.number, fixed: none, payload: none, ...answer }), { signal })
  }
  return requests
}

function afcThat(...answers: readonly Answer[]) {
  const { near, far } = wire()
  return { afc: new Afc(near), requests: play(far, answers) }
}

const status = (value: number): Answer => ({ operation: AFC.status, fixed: u64s(value) })
const data = (text: string): Answer => ({ operation: AFC.data, payload: utf8(text) })
const opened = (handle: number): Answer => ({ operation: AFC.opened, fixed: u64s(handle) })

test('a missing file is an answer, by either of the codes phones use for it', async () => {
  const { afc } = afcThat(status(8), status(4), status(8))
  assert.equal(await afc.stat('/x', { signal }), undefined)
  assert.equal(await afc.stat('/x', { signal }), undefined)
  assert.equal(await afc.list('/x', { signal }), undefined)
})

test('a description is read from pairs of texts, times in nanoseconds', async () => {
  const pairs = 'st_size\x00006\0st_blocks\x008\0st_ifmt\0S_IFREG\0st_mtime\x001700000000123456789\0'
  const { afc } = afcThat(data(pairs), data('st_ifmt\0S_IFIFO\0odd'))
  assert.deepEqual(await afc.stat('/x', { signal }), { kind: 'file', sizeBytes: 6, modifiedMs: 1_700_000_000_123 })
  assert.equal((await afc.stat('/x', { signal }))?.kind, 'other')
})

test('a whole file is opened, read to its empty end, and closed', async () => {
  const { afc, requests } = afcThat(data('st_ifmt\0S_IFREG\0'), opened(9), data('ab'), data('c'), data(''), status(0))
  const content = await afc.readFile('/f', { bytesMax: 100, signal })
  assert.equal(Buffer.from(content!).toString(), 'abc')
  const operations = (await requests).map(({ operation }) => operation)
  assert.deepEqual(operations, [AFC.fileInfo, AFC.open, AFC.read, AFC.read, AFC.read, AFC.close])
})

test('a file that grows without end is left at the limit', async () => {
  const { afc } = afcThat(data('st_ifmt\0S_IFREG\0'), opened(9), data('12345678'), data('9'), status(0))
  await assert.rejects(afc.readFile('/f', { bytesMax: 8, signal }), code('device.file-refused'))
})

test('a lock that somebody else holds is an answer; any other refusal is an error', async () => {
  const { afc, requests } = afcThat(status(19), status(0), status(10))
  assert.equal(await afc.tryLock(9n, { signal }), false)
  assert.equal(await afc.tryLock(9n, { signal }), true)
  const saw = (error: unknown) => isAppError(error, 'device.file-refused') && /error 10/.test(error.message)
  await assert.rejects(afc.tryLock(9n, { signal }), saw)
  assert.deepEqual(Buffer.from((await requests)[0]!.fixed), Buffer.from(u64s(9, 6)))
})

test('an answer to another request ends the connection', async () => {
  const { afc } = afcThat({ ...status(0), number: 77 })
  await assert.rejects(afc.close(9n, { signal }), code('wire.bad-frame'))
})

test('an answer of the wrong kind is a refusal', async () => {
  const { afc } = afcThat(status(0), data(''), { operation: AFC.opened, fixed: hex('01') })
  await assert.rejects(afc.list('/', { signal }), code('device.file-refused'))
  await assert.rejects(afc.makeFolder('/x', { signal }), code('device.file-refused'))
  await assert.rejects(afc.open('/x', AFC_MODE.read, { signal }), code('device.file-refused'))
})
