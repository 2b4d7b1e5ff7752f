import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NEVER } from '../../../base/abort.ts'
import { concatBytes, fromUtf8, utf8 } from '../../../base/bytes.ts'
import { isAppError } from '../../../base/errors.ts'
import { hex } from '../../testing/host.ts'
import { connectService, createServicePhone, type ServiceConnection } from '../../testing/service-host.ts'
import type { ServicePhone } from '../service.ts'
import { serveAfc } from './afc.ts'
import { MediaTree } from './media-tree.ts'

const OPEN = 0x0d
const READ = 0x0f
const WRITE = 0x10
const LOCK = 0x1b
const CLOSE = 0x14

/** Numbers as u64, little-endian; texts as they are. */
type Argument = number | bigint | string | Uint8Array

interface Answer {
  readonly operation: number
  readonly number: number
  readonly argument: number
  readonly payload: Uint8Array
}

function packet(operation: number, args: readonly Argument[], { number = 1 } = {}): Uint8Array {
  const body = concatBytes([...args.map(argumentBytes), new Uint8Array(0)])
  const head = Buffer.alloc(40)
  head.write('CFA6LPAA', 'latin1')
  for (const [index, word] of [40 + body.length, 40 + body.length, number, operation].entries()) {
    head.writeBigUInt64LE(BigInt(word), 8 + 8 * index)
  }
  return concatBytes([head, body])
}

function argumentBytes(argument: Argument): Uint8Array {
  if (argument instanceof Uint8Array) return argument
  if (typeof argument === 'string') return utf8(argument)
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(BigInt.asIntN(64, BigInt(argument)))
  return bytes
}

async function call({ channel }: ServiceConnection, operation: number, ...args: readonly Argument[]): Promise<Answer> {
  await channel.write(packet(operation, args), { signal: NEVER })
  const head = Buffer.from(await channel.readExactly(40, { signal: NEVER }))
  const word = (offset: number) => Number(head.readBigUInt64LE(offset))
  const argument = Buffer.from(await channel.readExactly(word(16) - 40, { signal: NEVER }))
  return {
    operation: word(32),
    number: word(24),
    argument: argument.length === 0 ? -1 : Number(argument.readBigUInt64LE()),
    payload: await channel.readExactly(word(8) - word(16), { signal: NEVER }),
  }
}

async function statusOf(afc: ServiceConnection, operation: number, ...args: readonly Argument[]): Promise<number> {
  const answer = await call(afc, operation, ...args)
  assert.equal(answer.operation, 1)
  return answer.argument
}

async function open(afc: ServiceConnection, path: string, mode: number): Promise<number> {
  const answer = await call(afc, OPEN, mode, path)
  assert.equal(answer.operation, 0x0e, `opening ${path} was answered with status ${answer.argument}`)
  return answer.argument
}

async function namesIn(afc: ServiceConnection, path: string): Promise<string[]> {
  return fromUtf8((await call(afc, 0x03, path)).payload)
    .split('\0')
    .slice(0, -1)
}

async function infoOf(
  afc: ServiceConnection,
  operation: number,
  ...args: readonly Argument[]
): Promise<Record<string, string>> {
  const texts = fromUtf8((await call(afc, operation, ...args)).payload).split('\0')
  return Object.fromEntries(
    texts.flatMap((text, index) => (index % 2 === 0 && text !== '' ? [[text, texts[index + 1] ?? '']] : [])),
  )
}

const connectAfc = (phone: ServicePhone = createServicePhone().phone) => connectService(serveAfc, phone)

test('an answer echoes the number of its packet, and a status stands in the part without payload', async () => {
  await using afc = connectAfc()
  await afc.channel.write(packet(0x0a, ['/none'], { number: 77 }), { signal: NEVER })
  const expected = hex(
    '43464136 4c504141 3000000000000000 3000000000000000 4d00000000000000 0100000000000000 0800000000000000',
  )
  assert.deepEqual(Buffer.from(await afc.channel.readExactly(48, { signal: NEVER })), Buffer.from(expected))
})

test('what was written is read back in pieces, up to an empty answer at the end', async () => {
  await using afc = connectAfc()
  const handle = await open(afc, '/a.txt\0', 4)
  assert.equal(await statusOf(afc, WRITE, handle, 'hello '), 0)
  assert.equal(await statusOf(afc, WRITE, handle, 'phone'), 0)
  assert.equal((await call(afc, 0x12, handle)).argument, 11)
  assert.equal(await statusOf(afc, 0x11, handle, 0, 0), 0)
  assert.equal(fromUtf8((await call(afc, READ, handle, 6)).payload), 'hello ')
  assert.equal(fromUtf8((await call(afc, READ, handle, 1 << 30)).payload), 'phone')
  const end = await call(afc, READ, handle, 10)
  assert.deepEqual([end.operation, end.argument, end.payload.length], [2, -1, 0])
  assert.equal(await statusOf(afc, CLOSE, handle), 0)
  assert.equal(await statusOf(afc, CLOSE, handle), 7)
})

for (const [mode, name, content] of [
  [2, 'r+', 'newo'],
  [3, 'w', 'new'],
  [4, 'w+', 'new'],
  [5, 'a', 'oldonew'],
  [6, 'a+', 'oldonew'],
] as const) {
  test(`writing "new" over "oldo" in mode ${name} leaves "${content}"`, async () => {
    await using afc = connectAfc()
    const first = await open(afc, '/f', 3)
    await call(afc, WRITE, first, 'oldo')
    const second = await open(afc, '/f', mode)
    await call(afc, WRITE, second, 'new')
    const reader = await open(afc, '/f', 1)
    assert.equal(fromUtf8((await call(afc, READ, reader, 100)).payload), content)
  })
}

test('a file that is not there is not found, and not made by reading', async () => {
  await using afc = connectAfc()
  assert.equal(await statusOf(afc, OPEN, 1, '/none\0'), 8)
  assert.equal(await statusOf(afc, 0x0a, '/none'), 8)
  assert.equal(await statusOf(afc, OPEN, 3, '/no/such/folder/f'), 8)
  assert.equal(await statusOf(afc, OPEN, 9, '/f'), 7)
  assert.equal(await statusOf(afc, OPEN, 1, '/'), 9)
})

test('a folder lists itself and its parent first', async () => {
  await using afc = connectAfc()
  assert.equal(await statusOf(afc, 0x09, '/x/y/z\0'), 0)
  assert.equal(await statusOf(afc, 0x09, '/x/y'), 0)
  assert.deepEqual(await namesIn(afc, '/x'), ['.', '..', 'y'])
  assert.deepEqual(await namesIn(afc, '/x/../x/./y/'), ['.', '..', 'z'])
})

test('a folder with something in it is removed only with its contents', async () => {
  await using afc = connectAfc()
  await call(afc, 0x09, '/x/y')
  assert.equal(await statusOf(afc, 0x08, '/x'), 1)
  assert.equal(await statusOf(afc, 0x22, '/x'), 0)
  assert.equal(await statusOf(afc, 0x0a, '/x'), 8)
  assert.equal(await statusOf(afc, 0x22, '/'), 7)
})

test('a name is changed, and what had the new name is replaced', async () => {
  await using afc = connectAfc()
  await call(afc, WRITE, await open(afc, '/from', 3), 'content')
  await open(afc, '/to', 3)
  assert.equal(await statusOf(afc, 0x18, '/from\0/to\0'), 0)
  assert.equal((await infoOf(afc, 0x0a, '/to')).st_size, '7')
  assert.equal(await statusOf(afc, 0x0a, '/from'), 8)
})

test('a folder cannot be moved into itself', async () => {
  await using afc = connectAfc()
  await call(afc, 0x09, '/x/y')
  assert.equal(await statusOf(afc, 0x18, '/x\0/x/y/x\0'), 7)
  assert.equal(await statusOf(afc, 0x18, '/x\0/x\0'), 0)
  assert.deepEqual(await namesIn(afc, '/x'), ['.', '..', 'y'])
})

test('a link shows where it points, and is followed, also from one folder to the next', async () => {
  await using afc = connectAfc()
  await call(afc, 0x09, '/real/deep')
  await call(afc, WRITE, await open(afc, '/real/deep/f', 3), 'x')
  assert.equal(await statusOf(afc, 0x1c, 2, 'real/deep\0/link\0'), 0)
  const link = await infoOf(afc, 0x0a, '/link')
  assert.deepEqual([link.st_ifmt, link.LinkTarget], ['S_IFLNK', 'real/deep'])
  assert.equal((await infoOf(afc, 0x0a, '/link/f')).st_size, '1')
})

test('links in a circle are not found', async () => {
  await using afc = connectAfc()
  await call(afc, 0x1c, 2, '/b\0/a\0')
  await call(afc, 0x1c, 2, '/a\0/b\0')
  assert.equal(await statusOf(afc, OPEN, 1, '/a'), 8)
})

test('a second name is the same file, which lives until both are gone', async () => {
  await using afc = connectAfc()
  await call(afc, WRITE, await open(afc, '/a', 3), 'shared')
  assert.equal(await statusOf(afc, 0x1c, 1, '/a\0/b\0'), 0)
  await call(afc, 0x08, '/a')
  assert.equal((await infoOf(afc, 0x0a, '/b')).st_size, '6')
})

test('sizes and times are changed', async () => {
  await using afc = connectAfc()
  const handle = await open(afc, '/f', 4)
  await call(afc, WRITE, handle, 'content')
  assert.equal(await statusOf(afc, 0x15, handle, 3), 0)
  assert.equal(await statusOf(afc, 0x07, 5, '/f\0'), 0)
  await call(afc, 0x11, handle, 0, 0)
  assert.deepEqual(Buffer.from((await call(afc, READ, handle, 100)).payload), Buffer.from('con\0\0'))
  assert.equal(await statusOf(afc, 0x1e, 1_234_567_890_123_456_789n, '/f\0'), 0)
  assert.equal((await infoOf(afc, 0x0a, '/f')).st_mtime, '1234567890123456789')
})

test('the position is set from the start, from where it is and from the end, but not before the start', async () => {
  await using afc = connectAfc()
  const handle = await open(afc, '/f', 4)
  await call(afc, WRITE, handle, '0123456789')
  const positions: number[] = []
  for (const [whence, offset] of [
    [0, 2],
    [1, 3],
    [2, -1],
  ] as const) {
    assert.equal(await statusOf(afc, 0x11, handle, whence, offset), 0)
    positions.push((await call(afc, 0x12, handle)).argument)
  }
  assert.deepEqual(positions, [2, 5, 9])
  assert.equal(await statusOf(afc, 0x11, handle, 0, -1), 7)
  assert.equal(await statusOf(afc, 0x11, handle, 3, 0), 7)
})

test('the device tells the sizes that lockdownd tells', async () => {
  const { phone } = createServicePhone()
  phone.values.set('com.apple.disk_usage', 'TotalDataAvailable', 12345)
  await using afc = connectAfc(phone)
  const info = await infoOf(afc, 0x0b)
  assert.equal(info.FSFreeBytes, '12345')
  assert.equal(info.Model, 'iPhone15,4')
})

const LOCK_FILE = '/com.apple.itunes.lock_sync\0'

test('the sync lock keeps other connections out until it is given back', async () => {
  const { phone } = createServicePhone()
  await using one = connectAfc(phone)
  await using two = connectAfc(phone)
  const first = await open(one, LOCK_FILE, 2)
  const second = await open(two, LOCK_FILE, 2)
  assert.equal(await statusOf(one, LOCK, first, 6), 0)
  assert.equal(await statusOf(two, LOCK, second, 6), 19)
  assert.equal(await statusOf(two, LOCK, second, 5), 19)
  assert.equal(await statusOf(one, LOCK, first, 12), 0)
  assert.equal(await statusOf(two, LOCK, second, 6), 0)
})

test('the sync lock goes with its connection', async () => {
  const { phone } = createServicePhone()
  {
    await using one = connectAfc(phone)
    assert.equal(await statusOf(one, LOCK, await open(one, LOCK_FILE, 2), 6), 0)
  }
  await using two = connectAfc(phone)
  assert.equal(await statusOf(two, LOCK, await open(two, LOCK_FILE, 2), 6), 0)
})

test('a lock can be shared, and made exclusive by the last who holds it', async () => {
  await using afc = connectAfc()
  const first = await open(afc, LOCK_FILE, 2)
  const second = await open(afc, LOCK_FILE, 2)
  assert.deepEqual([await statusOf(afc, LOCK, first, 5), await statusOf(afc, LOCK, second, 5)], [0, 0])
  assert.equal(await statusOf(afc, LOCK, first, 6), 19)
  await call(afc, CLOSE, second)
  assert.equal(await statusOf(afc, LOCK, first, 6), 0)
  assert.equal(await statusOf(afc, LOCK, first, 99), 7)
})

test('files that were removed cost memory only while they are open', async () => {
  const { phone } = createServicePhone()
  const small = { ...phone, media: new MediaTree({ clock: phone.clock, limits: { bytesMax: 1000, nodesMax: 10 } }) }
  await using afc = connectAfc(small)
  const handle = await open(afc, '/f', 3)
  assert.equal(await statusOf(afc, WRITE, handle, new Uint8Array(900)), 0)
  await call(afc, 0x08, '/f')
  const next = await open(afc, '/g', 3)
  assert.equal(await statusOf(afc, WRITE, next, new Uint8Array(900)), 18)
  await call(afc, CLOSE, handle)
  assert.equal(await statusOf(afc, WRITE, next, new Uint8Array(900)), 0)
})

test('a file cannot grow beyond the memory there is, however far the position', async () => {
  await using afc = connectAfc()
  const handle = await open(afc, '/f', 3)
  assert.equal(await statusOf(afc, 0x11, handle, 0, Number.MAX_SAFE_INTEGER), 0)
  assert.equal(await statusOf(afc, WRITE, handle, 'x'), 18)
  assert.equal(await statusOf(afc, 0x15, handle, 2 ** 40), 18)
  assert.equal((await infoOf(afc, 0x0a, '/f')).st_size, '0')
})

test('there are only so many files, folders and links, and as many again when they are removed', async () => {
  const { phone } = createServicePhone()
  const small = { ...phone, media: new MediaTree({ clock: phone.clock, limits: { bytesMax: 1000, nodesMax: 5 } }) }
  await using afc = connectAfc(small)
  assert.equal(await statusOf(afc, 0x09, '/a/b/c/d'), 0)
  assert.equal(await statusOf(afc, 0x09, '/e/f'), 18)
  assert.equal(await statusOf(afc, 0x22, '/a'), 0)
  assert.equal(await statusOf(afc, 0x09, '/e/f/g/h'), 0)
})

test('a connection has only so many files open', async () => {
  await using afc = connectAfc()
  for (let count = 0; count < 256; count++) await open(afc, '/f', 2)
  assert.equal(await statusOf(afc, OPEN, 2, '/f'), 7)
})

for (const [what, path] of [
  ['longer than a file system allows', 'x'.repeat(256)],
  ['deeper than 64 folders', 'x/'.repeat(65)],
  ['longer than 4 KiB', '/'.repeat(4097)],
] as const) {
  test(`a name ${what} is refused`, async () => {
    await using afc = connectAfc()
    assert.equal(await statusOf(afc, 0x09, path), 7)
  })
}

test('a name that is not UTF-8, and arguments that are too short, are refused', async () => {
  await using afc = connectAfc()
  assert.equal(await statusOf(afc, 0x09, Uint8Array.of(0xff, 0xfe)), 7)
  assert.equal(await statusOf(afc, OPEN, Uint8Array.of(1, 2, 3)), 7)
})

test('an operation of iOS that is not here is unsupported, one that iOS has not either is unknown', async () => {
  await using afc = connectAfc()
  assert.equal(await statusOf(afc, 0x04), 15)
  assert.equal(await statusOf(afc, 0x99), 6)
})

for (const [what, spoil] of [
  ['has another magic', (head: Buffer) => head.writeUInt8(0x58, 0)],
  ['claims to be smaller than its header', (head: Buffer) => head.writeBigUInt64LE(39n, 8)],
  ['claims to be larger than 16 MiB', (head: Buffer) => head.writeBigUInt64LE(2n ** 63n, 8)],
  ['claims that its parts are larger than the whole', (head: Buffer) => head.writeBigUInt64LE(41n, 16)],
] as const) {
  test(`a packet that ${what} ends the connection`, async () => {
    const afc = connectAfc()
    const head = Buffer.from(packet(0x0b, []))
    spoil(head)
    const refused = assert.rejects(afc.served, (error) => isAppError(error, 'wire.bad-frame'))
    await afc.channel.write(head, { signal: NEVER })
    await refused
  })
}

test('whatever a host asks, it gets an answer', async () => {
  await using afc = connectAfc()
  await open(afc, '/f', 4)
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 0x30 }), fc.uint8Array({ maxLength: 60 }), async (operation, body) => {
      assert.equal((await call(afc, operation, body)).number, 1)
    }),
    { numRuns: 500 },
  )
})
