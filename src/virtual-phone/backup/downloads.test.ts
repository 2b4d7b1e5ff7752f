import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempDisposable, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { NEVER } from '../../base/abort.ts'
import { openChannel } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { encodeBinaryPlist, type Plist } from '../../plist/index.ts'
import { MB } from './backup-error.ts'
import { DeviceLink } from './device-link.ts'
import { encryptBlocks } from './encryption/ciphertext.ts'
import { HostDrive } from './host-drive.ts'
import { IncomingFile } from './incoming-file.ts'

const signal = NEVER
const folder = await mkdtempDisposable(join(tmpdir(), 'incoming-'))
after(() => folder.remove())

const frame = (...parts: (string | Uint8Array)[]) => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)))
  const head = Buffer.alloc(4)
  head.writeUInt32BE(body.length)
  return Buffer.concat([head, body])
}
const data = (text: string) => frame(Uint8Array.of(0x0c), text)
const done = frame(Uint8Array.of(0))
const missing = frame(Uint8Array.of(6), 'No such file or directory')
const status = (code: number, payload: Plist = {}) =>
  frame(encodeBinaryPlist(['DLMessageStatusResponse', code, 'text', payload]))

/** What the phone makes of these frames of a host, when it has asked for `a`, `b` and `c`. */
async function downloaded(...frames: Uint8Array[]) {
  const [left, right] = duplexPair()
  right.end(Buffer.concat(frames))
  right.resume()
  const received: string[] = []
  const receive = (path: string) => ({
    data: (piece: Uint8Array) => void received.push(`${path}: ${Buffer.from(piece)}`),
    end: async () => void received.push(`${path}.`),
  })
  const drive = new HostDrive(new DeviceLink(openChannel(left)))
  const results = await drive.downloadAll(['a', 'b', 'c'], receive, { signal })
  return { received, codes: Array.from(results.values(), ({ code }) => code) }
}

test('several files come in one stream, in any order', async () => {
  const whole = await downloaded(
    ...[frame('b'), data('1'), data('2'), done],
    ...[frame('a'), done, frame('c'), data('3'), done, frame(), status(0)],
  )
  assert.deepEqual(whole, { received: ['b: 1', 'b: 2', 'b.', 'a.', 'c: 3', 'c.'], codes: [0, 0, 0] })
})

test('what the status says of a file counts more than its last block', async () => {
  const told = { b: { DLFileErrorCode: -11, DLFileErrorString: 'EIO' } }
  const { codes } = await downloaded(
    ...[frame('a'), done, frame('b'), data('2'), done, frame('c'), done, frame()],
    status(-13, told),
  )
  assert.deepEqual(codes, [0, -11, 0])
})

// libimobiledevice's idevicebackup2 stops at the first file that fails.
test('a file that is neither sent nor told of counts as not found', async () => {
  const told = { b: { DLFileErrorCode: -6, DLFileErrorString: 'No such file or directory' } }
  const { codes } = await downloaded(frame('a'), done, frame('b'), missing, frame(), status(-13, told))
  assert.deepEqual(codes, [0, -6, -6])
})

test('a file that nobody asked for ends the session, and so does one that comes twice', async () => {
  for (const frames of [
    [frame('d'), done],
    [frame('a'), done, frame('a'), done],
  ]) {
    await assert.rejects(downloaded(...frames), (error) => isAppError(error, 'wire.bad-frame'))
  }
})

const newRoom = () => ({ left: 1e9 })

async function incoming(stored: readonly Uint8Array[], options: { key?: Uint8Array; digest?: Uint8Array } = {}) {
  const path = join(folder.path, 'file')
  await using file = new IncomingFile({ path, room: newRoom(), ...options })
  for (const piece of stored) await file.data(piece)
  await file.end()
  return { size: file.size, code: file.failure?.code, bytes: await readFile(path) }
}

test('a file is written as it comes, in pieces of any size, encrypted or not', async () => {
  const key = Buffer.alloc(32, 7)
  const someBytes = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(
      someBytes,
      someBytes.map((cuts) => cuts.length),
      async (pieces, cut) => {
        const plain = Buffer.concat(pieces)
        const stored = Buffer.concat(
          await Array.fromAsync(
            encryptBlocks(
              key,
              [plain].filter(({ length }) => length > 0),
            ),
          ),
        )
        const digest = createHash('sha1').update(stored).digest()
        const sliced = [stored.subarray(0, cut), stored.subarray(cut)].filter(({ length }) => length > 0)
        for (const { size, code, bytes } of [await incoming(pieces), await incoming(sliced, { key, digest })]) {
          assert.deepEqual([size, code], [plain.length, undefined])
          assert.equal(Buffer.compare(bytes, plain), 0)
        }
      },
    ),
    { numRuns: 30 },
  )
})

test('a digest that does not fit is a failure', async () => {
  const digest = createHash('sha1').update('other').digest()
  assert.equal((await incoming([Buffer.from('one')], { digest })).code, MB.inconsistent)
})

test('a disk that is full is a failure of its own, and the rest of the file is passed over', async () => {
  await using file = new IncomingFile({ path: '/dev/full', room: newRoom() })
  await file.data(Buffer.from('one'))
  await file.data(Buffer.from('two'))
  await file.end()
  assert.equal(file.failure?.code, MB.deviceFull)
})

test('a file that cannot be made is a failure', async () => {
  await using file = new IncomingFile({ path: join(folder.path, 'none', 'x'), room: newRoom() })
  await file.end()
  assert.equal(file.failure?.code, MB.deviceWrite)
})

test('files that share the room take no more of it, the one that does not fit is a failure, and the rest is passed over', async () => {
  const room = { left: 10 }
  await using one = new IncomingFile({ path: join(folder.path, 'one'), room })
  await using other = new IncomingFile({ path: join(folder.path, 'other'), room })
  await one.data(Buffer.from('1234567'))
  await other.data(Buffer.from('abc'))
  for (let count = 0; count < 1000; count++) await other.data(Buffer.from('endless'))
  await one.end()
  await other.end()
  assert.deepEqual([one.failure, one.size], [undefined, 7])
  assert.deepEqual([other.failure?.code, other.size, room.left], [MB.deviceFull, 3, 0])
})

test('zeros are left out of a file, and read back', async () => {
  const zeros = new Uint8Array(65_536)
  const { size, bytes } = await incoming([zeros, Buffer.from('x'), zeros])
  assert.equal(size, 2 * 65_536 + 1)
  assert.equal(Buffer.compare(bytes, Buffer.concat([zeros, Buffer.from('x'), zeros])), 0)
})
