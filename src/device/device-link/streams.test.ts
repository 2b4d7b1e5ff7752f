import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NEVER } from '../../base/abort.ts'
import { concatBytes, utf8 } from '../../base/bytes.ts'
import type { ByteChannel } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { everySplitOf, framed, hex, wire, wireOf } from '../testing/wire.ts'
import { parseNamedPath } from './backup-path.ts'
import { SENT_BLOCK_BYTES, sendFiles } from './download.ts'
import { EMPTY } from './message.ts'
import { readUpload } from './upload.ts'

const U = 'UDID'
const signal = NEVER
const END = hex('00 00 00 00')
const code = (expected: string) => (error: unknown) => isAppError(error, expected)

/** What a host takes from an upload: each file's path, content, and how it ended. */
async function receive(channel: ByteChannel): Promise<string[]> {
  const seen: string[] = []
  for await (const file of readUpload(channel, [U], { signal })) {
    const pieces: Uint8Array[] = [new Uint8Array(0)]
    try {
      for await (const block of file.blocks) pieces.push(block)
    } catch (error) {
      if (!isAppError(error, 'device.file-unreadable')) throw error
    }
    const { end, bytes } = file.progress
    const ending = end?.kind === 'unreadable' ? `${end.status} ${end.text}` : end?.kind
    const content = Buffer.concat(pieces).toString()
    assert.equal(bytes, content.length)
    seen.push(`${file.devicePath} -> ${file.path.join('/')}: ${content} (${ending})`)
  }
  return seen
}

/** The example of docs/protocol/mobilebackup2.md: "abc", then a file of no bytes, then the end. */
const EXAMPLE = concatBytes([
  hex('00 00 00 06  2f 61 2f 78 2e 74'),
  framed(utf8(`${U}/Snapshot/ab/1`)),
  hex('00 00 00 04  0c 61 62 63'),
  hex('00 00 00 01  00'),
  hex('00 00 00 06  2f 61 2f 79 2e 74'),
  framed(utf8(`${U}/Snapshot/ab/2`)),
  hex('00 00 00 01  00'),
  END,
])

test('an upload is read the same however it was cut', async () => {
  for (const pieces of everySplitOf(EXAMPLE)) {
    assert.deepEqual(await receive(wireOf(...pieces)), [
      '/a/x.t -> UDID/Snapshot/ab/1: abc (whole)',
      '/a/y.t -> UDID/Snapshot/ab/2:  (whole)',
    ])
  }
})

const data = (text: string) => framed(hex('0c'), utf8(text))
const final = (code: number, text = '') => framed(Uint8Array.of(code), utf8(text))
const names = (path: string) => concatBytes([framed(utf8('/d')), framed(utf8(path))])

test('the text behind any final code is consumed, and the next file is read in step', async () => {
  for (const failed of [0x01, 0x06, 0x07, 0x0b, 0x0f, 0x7f]) {
    const stream = [
      names(`${U}/a`),
      data('ha'),
      final(failed, 'No such file'),
      names(`${U}/b`),
      data('x'),
      final(0),
      END,
    ]
    assert.deepEqual(await receive(wireOf(...stream)), [
      `/d -> UDID/a: ha (${-failed} No such file)`,
      '/d -> UDID/b: x (whole)',
    ])
  }
})

test('text behind a success is consumed too', async () => {
  const stream = [names(`${U}/a`), final(0, 'fine'), END]
  assert.deepEqual(await receive(wireOf(...stream)), ['/d -> UDID/a:  (whole)'])
})

for (const [name, stream] of [
  ['an empty frame inside a file', [names(`${U}/a`), END, END]],
  ['a block of 4 GiB', [names(`${U}/a`), hex('ff ff ff ff 0c')]],
  ['a block beyond the limit', [names(`${U}/a`), hex('01 00 00 01 0c')]],
  ['an explanation beyond the limit', [names(`${U}/a`), hex('00 01 00 02 06')]],
  ['a name of 2 GiB', [hex('80 00 00 00')]],
  ['a name beyond the limit', [hex('00 00 10 01')]],
  ['a path outside the backup', [names(`${U}/../b`)]],
  ['an absolute path', [names('/etc/passwd')]],
  ['an empty path', [framed(utf8('/d')), END]],
  ['the folder itself', [names(U)]],
  ['a path that is not UTF-8', [framed(utf8('/d')), framed(hex('55 44 49 44 2f ff fe'))]],
] as const) {
  test(`${name} ends the session`, async () => {
    await assert.rejects(receive(wireOf(...stream)), code('wire.bad-frame'))
  })
}

test('a stream that breaks off anywhere is wire.closed', async () => {
  for (let size = 0; size < EXAMPLE.length; size++) {
    await assert.rejects(receive(wireOf(EXAMPLE.subarray(0, size))), code('wire.closed'), `${size} bytes`)
  }
})

test('a file that never ends is left by aborting', async () => {
  const { near, far } = wire()
  await far.write([names(`${U}/a`), hex('00 00 ff ff 0c 61')], { signal })
  const abort = new AbortController()
  const reading = (async () => {
    for await (const file of readUpload(near, [U], { signal: abort.signal })) {
      for await (const _ of file.blocks) abort.abort(new Error('enough'))
    }
  })()
  await assert.rejects(reading, /enough/)
})

test('any files in any blocks come out as they went in', async () => {
  const file = fc.record({
    name: fc.stringMatching(/^[a-f0-9]{1,8}$/),
    blocks: fc.array(fc.stringMatching(/^[ -~]{1,20}$/)),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(file, { maxLength: 5 }), async (files) => {
      const stream = files.flatMap(({ name, blocks }) => [names(`${U}/${name}`), ...blocks.map(data), final(0)])
      assert.deepEqual(
        await receive(wireOf(...stream, END)),
        files.map(({ name, blocks }) => `/d -> UDID/${name}: ${blocks.join('')} (whole)`),
      )
    }),
    { numRuns: 50 },
  )
})

/** Everything a host sends for these paths, and the status it wants to send after it. */
async function send(texts: readonly string[], files: { readonly [path: string]: readonly Uint8Array[] }) {
  const { near, far } = wire()
  const sent: string[] = []
  const sending = sendFiles(
    near,
    texts.map((text) => parseNamedPath(text, [U])),
    {
      open: async ({ path }) => {
        const pieces = files[path.join('/')]
        return (
          pieces &&
          (async function* () {
            yield* pieces
          })()
        )
      },
      onSent: ({ text }, bytes) => sent.push(`${text} ${bytes}`),
      signal,
    },
  ).finally(() => near[Symbol.asyncDispose]())
  const pieces: Uint8Array[] = []
  for (let piece = await far.readSome(1 << 20, { signal }); piece; piece = await far.readSome(1 << 20, { signal })) {
    pieces.push(piece)
  }
  return { bytes: Buffer.concat(pieces), status: await sending, sent }
}

/** Source: docs/protocol/mobilebackup2.md, the answer to a first backup's question for Status.plist. */
test('a missing file is a code 6 in the stream and -6 in a multi-status', async () => {
  const { bytes, status } = await send([`${U}/Status.plist`], {})
  const text = 'No such file or directory'
  assert.deepEqual(bytes, Buffer.concat([framed(utf8(`${U}/Status.plist`)), framed(hex('06'), utf8(text)), END]))
  assert.deepEqual(status, [
    'DLMessageStatusResponse',
    -13,
    'Multi status',
    { [`${U}/Status.plist`]: { DLFileErrorString: text, DLFileErrorCode: -6 } },
  ])
})

test('files go out under the very names they were asked by, the missing ones among them', async () => {
  const { bytes, status, sent } = await send([`/${U}/a`, `${U}/gone`, `${U}/empty`], {
    [`${U}/a`]: [utf8('ab'), utf8('c')],
    [`${U}/empty`]: [],
  })
  const expected = [
    [framed(utf8(`/${U}/a`)), framed(hex('0c 61 62')), framed(hex('0c 63')), framed(hex('00'))],
    [framed(utf8(`${U}/gone`)), framed(hex('06'), utf8('No such file or directory'))],
    [framed(utf8(`${U}/empty`)), framed(hex('00')), END],
  ]
  assert.deepEqual(bytes, Buffer.concat(expected.flat()))
  assert.equal(status[1], -13)
  assert.deepEqual(sent, [`/${U}/a 3`, `${U}/empty 0`])
})

test('success is said with four elements', async () => {
  const { status } = await send([`${U}/a`], { [`${U}/a`]: [] })
  assert.deepEqual(status, ['DLMessageStatusResponse', 0, EMPTY, {}])
})

test('no frame carries more than 32 KiB of data, whatever pieces the host has', async () => {
  const content = new Uint8Array(SENT_BLOCK_BYTES * 20 + 5).map((_, index) => index % 251)
  const { bytes } = await send([`${U}/a`], { [`${U}/a`]: [content.subarray(0, 100_000), content.subarray(100_000)] })
  const received: Uint8Array[] = []
  for (let at = 4 + `${U}/a`.length; bytes[at + 4] === 0x0c; at += 4 + bytes.readUInt32BE(at)) {
    const size = bytes.readUInt32BE(at) - 1
    assert.ok(size >= 1 && size <= SENT_BLOCK_BYTES)
    received.push(bytes.subarray(at + 5, at + 5 + size))
  }
  assert.equal(Buffer.compare(Buffer.concat(received), content), 0)
})
