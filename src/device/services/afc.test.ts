import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NEVER } from '../../base/abort.ts'
import { concatBytes, equalBytes, utf8 } from '../../base/bytes.ts'
import type { ByteChannel } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { everySplitOf, hex, wire, wireOf } from '../testing/wire.ts'
import { AFC_MODE, Afc } from './afc.ts'
import { statOf } from './afc-answers.ts'
import type { AfcPacket } from './afc-packet.ts'
import { AFC, cString, encodeAfcPacket, readAfcPacket, u64s } from './afc-packet.ts'
import { walkFolder } from './afc-walk.ts'
import { listCrashReports } from './crash-reports.ts'

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

test('whatever a packet holds is read back, and no description breaks the reader', async () => {
  const bytes = fc.uint8Array({ maxLength: 200 })
  const packet = fc.record({ number: fc.nat(), operation: fc.nat(0x28), fixed: bytes, payload: bytes })
  await fc.assert(
    fc.asyncProperty(packet, async (sent) => {
      const read = await readAfcPacket(wireOf(...encodeAfcPacket(sent)), { signal })
      assert.deepEqual([read.number, read.operation], [sent.number, sent.operation])
      assert.ok(equalBytes(read.fixed, sent.fixed) && equalBytes(read.payload, sent.payload))
      const { kind, sizeBytes, modifiedMs } = statOf(sent.payload)
      assert.ok(['file', 'folder', 'link', 'other'].includes(kind) && sizeBytes >= 0 && modifiedMs >= 0)
    }),
  )
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

test('a shared lock is asked for as one', async () => {
  const { afc, requests } = afcThat(status(0), status(0))
  assert.equal(await afc.tryLock(9n, { shared: true, signal }), true)
  await afc.unlock(9n, { signal })
  assert.deepEqual(
    (await requests).map(({ fixed }) => Buffer.from(fixed)),
    [Buffer.from(u64s(9, 5)), Buffer.from(u64s(9, 12))],
  )
})

test('content that stands in the header part is content too', async () => {
  const inHeader = (text: string): Answer => ({ operation: AFC.data, fixed: utf8(text) })
  const { afc } = afcThat(
    inHeader('.\0..\0a\0'),
    opened(9),
    { ...inHeader('ab'), payload: utf8('c') },
    data(''),
    status(0),
  )
  assert.deepEqual(await afc.list('/', { signal }), ['a'])
  assert.equal(Buffer.concat(await Array.fromAsync(afc.readStream('/a', { signal }))).toString(), 'abc')
})

test('names may be odd: with spaces, lines, dots, signs of any script, and without a NUL at their end', async () => {
  const { afc } = afcThat(data('.\0..\0...\0 \0a\nb\0é\0日本\0📱'))
  assert.deepEqual(await afc.list('/', { signal }), ['...', ' ', 'a\nb', 'é', '日本', '📱'])
})

test('a path with a NUL, which would be two, is never sent', async () => {
  const { afc } = afcThat()
  await assert.rejects(afc.rename({ from: 'a\0b', to: 'c' }, { signal }), /NUL/)
})

test('a link is described with where it leads', async () => {
  const { afc } = afcThat(
    data('st_ifmt\0S_IFLNK\0LinkTarget\0../x\0st_birthtime\x001000000\0st_size\0many\0st_mtime\0-5\0'),
  )
  const stat = { kind: 'link', sizeBytes: 0, modifiedMs: 0, createdMs: 1, linkTarget: '../x' }
  assert.deepEqual(await afc.stat('/l', { signal }), stat)
})

test('the disk is described in bytes', async () => {
  const pairs = 'Model\0iPhone15,4\0FSTotalBytes\x00127938088960\0FSFreeBytes\x005\0FSBlockSize\x004096\0'
  const { afc } = afcThat(data(pairs), data('FSFreeBytes\x0099999999999999999999\0Model'))
  const info = { model: 'iPhone15,4', totalBytes: 127_938_088_960, freeBytes: 5, blockBytes: 4096 }
  assert.deepEqual(await afc.deviceInfo({ signal }), info)
  assert.deepEqual(await afc.deviceInfo({ signal }), {})
})

test('renaming, linking, cutting and removing send their arguments in the order of the protocol', async () => {
  const { afc, requests } = afcThat(status(0), status(0), status(0), status(0), status(8))
  await afc.rename({ from: '/a', to: '/b' }, { signal })
  await afc.makeLink('/l', { kind: 'symbolic', target: 't', signal })
  await afc.truncate('/b', { sizeBytes: 7, signal })
  await afc.removeAll('/b', { signal })
  await afc.removeAll('/b', { signal })
  const sent = (await requests).map(({ operation, fixed }) => [operation, Buffer.from(fixed).toString('latin1')])
  assert.deepEqual(sent.slice(0, 4), [
    [0x18, '/a\0/b\0'],
    [0x1c, '\x02\0\0\0\0\0\0\0t\0/l\0'],
    [0x07, '\x07\0\0\0\0\0\0\0/b\0'],
    [0x22, '/b\0'],
  ])
})

test('a reader that has enough closes the file; one that fails leaves that to the connection', async () => {
  const enough = afcThat(opened(9), data('ab'), status(0))
  for await (const piece of enough.afc.readStream('/a', { signal })) {
    assert.equal(piece.length, 2)
    break
  }
  assert.equal((await enough.requests).at(-1)?.operation, AFC.close)
  const refusing = afcThat(opened(9), status(10))
  await assert.rejects(Array.fromAsync(refusing.afc.readStream('/a', { signal })), code('device.file-refused'))
  assert.equal((await refusing.requests).length, 2)
})

test('a stream is written in pieces of at most a megabyte', async () => {
  const { afc, requests } = afcThat(opened(9), ...Array.from({ length: 5 }, () => status(0)))
  async function* pieces() {
    yield new Uint8Array(2_500_000)
    yield new Uint8Array(0)
    yield utf8('end')
  }
  await afc.writeStream('/a', pieces(), { signal })
  const written = (await requests).filter(({ operation }) => operation === AFC.write)
  assert.deepEqual(
    written.map(({ payload }) => payload.length),
    [1_048_576, 1_048_576, 402_848, 3],
  )
})

test('a refusal says what the phone means, and shows no path that could steer a terminal', async () => {
  const { afc } = afcThat(status(18), status(10))
  const full = (error: unknown) => isAppError(error) && /no room/.test(error.message) && /Make room/.test(error.remedy)
  await assert.rejects(afc.makeFolder('/x', { signal }), full)
  const saw = (error: unknown) =>
    isAppError(error) && /not permitted/.test(error.message) && !error.message.includes('\u001b')
  await assert.rejects(afc.makeFolder('/\u001b[2J', { signal }), saw)
})

/** Plays a phone with these folders, each a list of names; names that end with a slash are folders. */
async function playTree(far: ByteChannel, folders: ReadonlyMap<string, readonly string[]>): Promise<void> {
  const isFolder = (path: string) => folders.get(path.slice(0, path.lastIndexOf('/') + 1))?.includes(`${nameOf(path)}/`)
  const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1)
  for (;;) {
    const { number, operation, fixed } = await readAfcPacket(far, { signal })
    const path = Buffer.from(fixed.subarray(0, -1)).toString()
    const names = folders.get(path.endsWith('/') ? path : `${path}/`)?.map((name) => name.replace('/', ''))
    const stat = `st_ifmt\0${isFolder(path) ? 'S_IFDIR' : 'S_IFREG'}\0st_size\x005\0st_mtime\x007000000\0`
    const text = operation === AFC.readDir ? ['.', '..', ...(names ?? [])].join('\0') : stat
    await far.write(encodeAfcPacket({ number, operation: AFC.data, fixed: none, payload: utf8(text) }), { signal })
  }
}

function treeThat(folders: { readonly [path: string]: readonly string[] }): Afc {
  const { near, far } = wire()
  playTree(far, new Map(Object.entries(folders))).catch(() => undefined)
  return new Afc(near)
}

test('crash reports are the files of all folders, by the names that lead there', async () => {
  await using afc = treeThat({
    '/': ['a.ips', 'Retired/', 'Empty/'],
    '/Retired/': ['b.ips', 'Old/'],
    '/Retired/Old/': ['c'],
  })
  const reports = await Array.fromAsync(listCrashReports(afc, { signal }))
  assert.deepEqual(
    reports.map(({ path }) => path),
    ['/a.ips', '/Retired/b.ips', '/Retired/Old/c'],
  )
  assert.deepEqual(reports[1], { path: '/Retired/b.ips', names: ['Retired', 'b.ips'], sizeBytes: 5, modifiedMs: 7 })
})

test('a folder that holds itself, or more than anybody wants to hear, ends the walk', async () => {
  await using afc = treeThat({ '/': ['a/'], '/a/': ['a/'], '/a/a/': ['a/'], '/a/a/a/': ['a/'] })
  const entries = await Array.fromAsync(walkFolder(afc, '', { entriesMax: 10, depthMax: 3, signal }))
  assert.deepEqual(
    entries.map(({ path }) => path),
    ['/a', '/a/a', '/a/a/a'],
  )
  const tooMany = Array.fromAsync(walkFolder(afc, '', { entriesMax: 2, depthMax: 3, signal }))
  await assert.rejects(tooMany, code('wire.bad-frame'))
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
