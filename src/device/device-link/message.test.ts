import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NEVER } from '../../base/abort.ts'
import { isAppError } from '../../base/errors.ts'
import type { Plist } from '../../plist/index.ts'
import { PlistReal } from '../../plist/index.ts'
import { framedPlist, wireOf } from '../testing/wire.ts'
import type { NamedPath } from './backup-path.ts'
import { parseNamedPath } from './backup-path.ts'
import { EMPTY, interpret, readMessage, statusMessage } from './message.ts'

const U = '00008120-0008AB48A562DBB5'
const named = (text: string): NamedPath => parseNamedPath(text, [U])

/** The messages of docs/protocol/mobilebackup2.md, in their places. */
for (const [message, expected] of [
  [['DLMessageUploadFiles', {}, new PlistReal(12.5), 7340032], { do: 'receive-files', percent: 12.5, bytes: 7340032 }],
  [['DLMessageUploadFiles', EMPTY, 3], { do: 'receive-files', percent: 3, bytes: 0 }],
  [
    ['DLMessageDownloadFiles', [`${U}/Status.plist`], EMPTY, new PlistReal(0), 0],
    { do: 'send-files', paths: [named(`${U}/Status.plist`)], percent: 0 },
  ],
  [['DLMessageCreateDirectory', `/${U}/00`, EMPTY, new PlistReal(0)], { do: 'make-folder', path: named(`/${U}/00`) }],
  [['DLContentsOfDirectory', U, EMPTY, 0], { do: 'list', path: named(U) }],
  [
    ['DLMessageMoveItems', { [`${U}/Snapshot/ab/x`]: `${U}/ab/x` }, EMPTY, -1],
    { do: 'move', moves: [{ from: named(`${U}/Snapshot/ab/x`), to: named(`${U}/ab/x`) }], percent: undefined },
  ],
  [
    ['DLMessageMoveFiles', { [`${U}/a`]: `${U}/b` }, EMPTY, 250],
    { do: 'move', moves: [{ from: named(`${U}/a`), to: named(`${U}/b`) }], percent: 100 },
  ],
  [
    ['DLMessageRemoveItems', [`${U}/Snapshot`], EMPTY],
    { do: 'remove', paths: [named(`${U}/Snapshot`)], percent: undefined },
  ],
  [['DLMessageRemoveFiles', [], EMPTY, 'x'], { do: 'remove', paths: [], percent: undefined }],
  [['DLMessageCopyItem', `${U}/a`, `${U}/b`], { do: 'copy', from: named(`${U}/a`), to: named(`${U}/b`) }],
  [['DLMessageGetFreeDiskSpace'], { do: 'report-free-space' }],
  [['DLMessagePurgeDiskSpace', 2n ** 60n, 4], { do: 'purge', bytes: 2 ** 60 }],
  [['DLMessagePurgeDiskSpace', -5], { do: 'purge', bytes: 0 }],
  [['DLMessageDisconnect', EMPTY], { do: 'end', reason: '' }],
  [['DLMessageDisconnect', 'Unknown Message Received'], { do: 'end', reason: 'Unknown Message Received' }],
  [['DLMessagePing', 'hello'], { do: 'nothing' }],
  [['DLMessageFrobnicate', 'now'], { do: 'decline', message: 'DLMessageFrobnicate' }],
  [
    ['DLMessageProcessMessage', { MessageName: 'Response', ErrorCode: 0 }],
    {
      do: 'take-response',
      response: { code: 0, description: '', content: { MessageName: 'Response', ErrorCode: 0 } },
    },
  ],
] as [Plist[], unknown][]) {
  test(`${String(message[0])} with ${message.length - 1} arguments is understood`, () => {
    assert.deepEqual(interpret(message, [U]), expected)
  })
}

for (const message of [
  ['DLMessageDownloadFiles'],
  ['DLMessageDownloadFiles', `${U}/Status.plist`],
  ['DLMessageDownloadFiles', [42]],
  ['DLMessageDownloadFiles', ['../../etc/passwd']],
  ['DLMessageDownloadFiles', Array.from({ length: 4097 }, () => `${U}/a`)],
  ['DLMessageMoveItems', 'everything'],
  ['DLMessageMoveItems', { [`${U}/a`]: '/etc/cron.d/x' }],
  ['DLMessageMoveItems', { [`${U}/a`]: 1 }],
  ['DLMessageRemoveItems', ['', '.', '/']],
  ['DLMessageCopyItem', `${U}/a`],
  ['DLMessageCreateDirectory', ['a']],
  ['DLMessageProcessMessage', { MessageName: 'Surprise', ErrorCode: 0 }],
  ['DLMessageProcessMessage', { MessageName: 'Response' }],
  ['DLMessageProcessMessage', 'done'],
] as Plist[][]) {
  test(`a bad message ends the session: ${JSON.stringify(message).slice(0, 70)}`, () => {
    assert.throws(
      () => interpret(message, [U]),
      (error) => isAppError(error, 'wire.bad-frame'),
    )
  })
}

test('a status always has four elements', () => {
  assert.deepEqual(statusMessage(0), ['DLMessageStatusResponse', 0, EMPTY, {}])
  assert.deepEqual(statusMessage(-1, 'no', 7), ['DLMessageStatusResponse', -1, 'no', 7])
})

for (const notMessage of [42, {}, [], [42], ['hello'], [['DLMessagePing']]] as Plist[]) {
  test(`${JSON.stringify(notMessage)} is not a DeviceLink message`, async () => {
    const reading = readMessage(wireOf(framedPlist(notMessage)), { signal: NEVER })
    await assert.rejects(reading, (error) => isAppError(error, 'wire.bad-frame'))
  })
}

test('no message at all makes the interpreter do anything but answer or end the session', () => {
  const name = fc.constantFrom(
    'DLMessageUploadFiles',
    'DLMessageDownloadFiles',
    'DLMessageCreateDirectory',
    'DLContentsOfDirectory',
    'DLMessageMoveItems',
    'DLMessageRemoveItems',
    'DLMessageCopyItem',
    'DLMessagePurgeDiskSpace',
    'DLMessageProcessMessage',
    'DLMessageDisconnect',
  )
  const { value } = fc.letrec<{ value: Plist }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.string(),
      fc.constantFrom(U, `${U}/a`, 'Response', EMPTY),
      fc.double().map((real) => new PlistReal(real)),
      fc.bigInt(),
      fc.boolean(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(`${U}/a`, 'MessageName', 'ErrorCode', '__proto__'), tie('value')),
    ),
  }))
  fc.assert(
    fc.property(name, fc.array(value, { maxLength: 4 }), (name, rest) => {
      try {
        const request = interpret([name, ...rest], [U])
        if ('bytes' in request) assert.ok(request.bytes >= 0 && Number.isFinite(request.bytes))
        if ('percent' in request && request.percent !== undefined)
          assert.ok(request.percent >= 0 && request.percent <= 100)
      } catch (error) {
        assert.ok(isAppError(error, 'wire.bad-frame'), String(error))
      }
    }),
  )
})
