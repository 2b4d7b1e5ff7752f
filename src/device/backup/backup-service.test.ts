import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { concatBytes, utf8 } from '../../base/bytes.ts'
import { systemClock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import type { Plist } from '../../plist/index.ts'
import { PlistReal } from '../../plist/index.ts'
import { EMPTY } from '../device-link/message.ts'
import type { MemoryHost } from '../testing/memory-host.ts'
import { memoryHost } from '../testing/memory-host.ts'
import { PlayedPhone } from '../testing/played-phone.ts'
import { framed, hex, wire } from '../testing/wire.ts'
import type { BackupEvent } from './backup-events.ts'
import type { BackupHost } from './backup-host.ts'
import { runBackup } from './backup-service.ts'
import { greetBackupService } from './backup-session.ts'

const U = '00008120-0008AB48A562DBB5'
const signal = NEVER
const END = hex('00 00 00 00')
const code = (expected: string) => (error: unknown) => isAppError(error, expected)

/** Runs a backup against a phone that does `script` once it was asked for a backup. */
async function backUp(script: (phone: PlayedPhone) => Promise<unknown>, host: BackupHost = memoryHost()) {
  const { near, far } = wire()
  const phone = new PlayedPhone(far)
  const events: BackupEvent[] = []
  const running = (async () => {
    await using session = await greetBackupService(near, { clock: systemClock, signal })
    return await runBackup(session, { udid: U, host, onEvent: (event) => events.push(event), signal })
  })()
  running.catch(() => undefined)
  await phone.greet()
  assert.deepEqual({ ...(await phone.hearRequest()) }, { MessageName: 'Backup', TargetIdentifier: U })
  await script(phone)
  return { outcome: await running, events }
}

const file = (path: string, ...blocks: readonly string[]) =>
  concatBytes([
    framed(utf8('/d')),
    framed(utf8(path)),
    ...blocks.map((block) => framed(hex('0c'), utf8(block))),
    framed(hex('00')),
  ])
const status = (code: number, text: string = EMPTY, payload: Plist = {}) => [
  'DLMessageStatusResponse',
  code,
  text,
  payload,
]
/** Without the null prototypes of what was read. */
const plain = (message: readonly Plist[]) => JSON.parse(JSON.stringify(message))

test('a backup without any message between request and response is finished, and the host says goodbye', async () => {
  const { outcome } = await backUp(async (phone) => {
    await phone.respond(0)
    assert.deepEqual(await phone.hear(), ['DLMessageDisconnect', EMPTY])
  })
  assert.deepEqual(outcome, { outcome: 'finished' })
})

test('a phone that hangs up right behind its response has finished all the same', async () => {
  const { outcome } = await backUp(async (phone) => {
    await phone.respond(0)
    phone.channel.detach().destroy()
  })
  assert.deepEqual(outcome, { outcome: 'finished' })
})

test('a refusal carries its code and its text', async () => {
  const { outcome } = await backUp((phone) => phone.respond(208, 'Device locked (MBErrorDomain/208)'))
  const description = 'Device locked (MBErrorDomain/208)'
  assert.deepEqual(outcome, { outcome: 'refused', code: 208, description })
})

test('an upload is stored, acknowledged after the host has it, and told', async () => {
  const host = memoryHost()
  const { events } = await backUp(async (phone) => {
    const upload = ['DLMessageUploadFiles', EMPTY, new PlistReal(12.5), 7]
    const stream = [file(`${U}/Snapshot/ab/1`, 'abc', 'd'), file(`${U}/Status.plist`), END]
    assert.deepEqual(plain(await phone.ask(upload, ...stream)), status(0))
    assert.equal(host.calls.at(-1), `uploaded ${U}/Snapshot/ab/1 ${U}/Status.plist`)
    await phone.respond(0)
  }, host)
  assert.equal(Buffer.from(host.files.get(`${U}/Snapshot/ab/1`)!).toString(), 'abcd')
  assert.equal(host.files.get(`${U}/Status.plist`)?.length, 0)
  assert.deepEqual(events.slice(0, 2), [
    { kind: 'progress', percent: 12.5 },
    { kind: 'batch-started', bytes: 7 },
  ])
  assert.deepEqual(
    events.flatMap((event) => (event.kind === 'file-received' ? [[event.path.at(-1), event.bytes]] : [])),
    [
      ['1', 4],
      ['Status.plist', 0],
    ],
  )
})

test('a file the phone cannot read is told and left out, and the run goes on', async () => {
  const host = memoryHost()
  const half = [framed(utf8('/d')), framed(utf8(`${U}/a`)), framed(utf8('\x0chalf')), framed(utf8('\x0bI/O error'))]
  const { events, outcome } = await backUp(async (phone) => {
    const upload = ['DLMessageUploadFiles', EMPTY, 0, 0]
    assert.deepEqual(plain(await phone.ask(upload, ...half, file(`${U}/b`, 'b'), END)), status(0))
    await phone.respond(0)
  }, host)
  assert.deepEqual([...host.files.keys()], [`${U}/b`])
  assert.equal(host.calls.at(-1), `uploaded ${U}/b`)
  const told = events.find((event) => event.kind === 'file-unreadable')
  assert.deepEqual([told?.status, told?.text, told?.devicePath], [-11, 'I/O error', '/d'])
  assert.equal(outcome.outcome, 'finished')
})

test('an error of the host is the end: no status, the connection drops, the error comes out', async () => {
  const full = { ...memoryHost(), receiveFile: async () => Promise.reject(new Error('no space')) }
  const run = backUp(async (phone) => {
    await phone.say(['DLMessageUploadFiles', EMPTY, 0, 0], file(`${U}/a`, 'abc'), END)
    await assert.rejects(phone.hear(), code('wire.closed'))
  }, full)
  await assert.rejects(run, /no space/)
})

test('an error of the host while it makes things durable is the end too', async () => {
  const failing = { ...memoryHost(), uploaded: async () => Promise.reject(new Error('fsync failed')) }
  const run = backUp(async (phone) => {
    await phone.say(['DLMessageUploadFiles', EMPTY, 0, 0], file(`${U}/Status.plist`, 'abc'), END)
    await assert.rejects(phone.hear(), code('wire.closed'))
  }, failing)
  await assert.rejects(run, /fsync failed/)
})

test('a host that does not read a file to its end is a mistake of ours, never a success', async () => {
  const lazy: BackupHost = { ...memoryHost(), receiveFile: async () => undefined }
  const run = backUp((phone) => phone.say(['DLMessageUploadFiles', EMPTY, 0, 0], file(`${U}/a`, 'abc'), END), lazy)
  await assert.rejects(run, { name: 'AssertionError' })
})

async function answers(host: MemoryHost, ...messages: readonly Plist[]): Promise<unknown[]> {
  const given: unknown[] = []
  await backUp(async (phone) => {
    for (const message of messages) given.push(plain(await phone.ask(message)))
    await phone.respond(0)
  }, host)
  return given
}

test('folders are made and listed as they are; a missing one is not found', async () => {
  const host = memoryHost()
  host.files.set(`${U}/Status.plist`, new Uint8Array(189))
  const [made, listed, missing] = await answers(
    host,
    ['DLMessageCreateDirectory', `${U}/00`, EMPTY, 0],
    ['DLContentsOfDirectory', U, EMPTY, 0],
    ['DLContentsOfDirectory', `${U}/Snapshot`, EMPTY, 0],
  )
  assert.deepEqual(made, status(0))
  const DLFileModificationDate = '1970-01-01T00:00:00.000Z'
  assert.deepEqual(listed, [
    'DLMessageStatusResponse',
    0,
    EMPTY,
    {
      '00': { DLFileType: 'DLFileTypeDirectory', DLFileSize: 0, DLFileModificationDate },
      'Status.plist': { DLFileType: 'DLFileTypeRegular', DLFileSize: 189, DLFileModificationDate },
    },
  ])
  assert.deepEqual(missing, status(-6, 'No such file or directory'))
})

test('moves tell what was missing, under the name the phone gave it', async () => {
  const host = memoryHost()
  host.files.set(`${U}/Snapshot/ab/x`, utf8('x'))
  const moves = { [`/${U}/Snapshot/ab/x`]: `${U}/ab/x`, [`/${U}/Snapshot/gone`]: `${U}/gone` }
  const [answer] = await answers(host, ['DLMessageMoveItems', moves, EMPTY, 0])
  const error = { DLFileErrorString: 'No such file or directory', DLFileErrorCode: -6 }
  assert.deepEqual(answer, status(-13, 'Multi status', { [`/${U}/Snapshot/gone`]: error }))
  assert.deepEqual([...host.files.keys()], [`${U}/ab/x`])
})

test('removing what is not there is success; copying it is not', async () => {
  const [removed, copied] = await answers(
    memoryHost(),
    ['DLMessageRemoveItems', [`${U}/Manifest.mbdx`], EMPTY, 0],
    ['DLMessageCopyItem', `${U}/a`, `${U}/b`, EMPTY, 0, 0],
  )
  assert.deepEqual(removed, status(0))
  assert.deepEqual(copied, status(-6, 'No such file or directory'))
})

test('free space is a bare number, purging frees nothing, an unknown message is declined, a ping passed over', async () => {
  const host = memoryHost()
  host.room = 5e12
  let asked: readonly unknown[] = []
  await backUp(async (phone) => {
    asked = [
      await phone.ask(['DLMessageGetFreeDiskSpace']),
      await phone.ask(['DLMessagePurgeDiskSpace', 2 ** 31, 4]),
      plain(await phone.ask(['DLMessageFrobnicate'])),
    ]
    await phone.say(['DLMessagePing', 'still there?'])
    await phone.respond(0)
  }, host)
  assert.deepEqual(asked, [status(0, EMPTY, 5e12), status(0, EMPTY, 0), status(-1, 'Operation not supported')])
})

test('a phone that hangs up with a reason says why', async () => {
  const run = backUp((phone) => phone.say(['DLMessageDisconnect', 'Unknown Message Received']))
  const saw = (error: unknown) =>
    isAppError(error, 'device.backup-dropped') && /Unknown Message Received/.test(error.message)
  await assert.rejects(run, saw)
})

test('a message nobody finishes is left by aborting, and nothing runs out of time by itself', async () => {
  const { near, far } = wire()
  const phone = new PlayedPhone(far)
  const abort = new AbortController()
  const greeting = greetBackupService(near, { clock: systemClock, signal })
  await phone.greet()
  const running = runBackup(await greeting, { udid: U, host: memoryHost(), signal: abort.signal })
  await phone.hear()
  await far.write(hex('00 00 10 00 62'), { signal })
  abort.abort(new Error('enough'))
  await assert.rejects(running, /enough/)
})

for (const [name, script, expected] of [
  [
    'a newer DeviceLink',
    (phone: PlayedPhone) => phone.say(['DLMessageVersionExchange', 500, 0]),
    'device.link-version',
  ],
  ['no version', (phone: PlayedPhone) => phone.say(['DLMessageDeviceReady']), 'wire.bad-frame'],
  [
    'no common backup protocol',
    async (phone: PlayedPhone) => {
      await phone.ask(['DLMessageVersionExchange', 300, 0])
      await phone.say(['DLMessageDeviceReady'])
      await phone.hear()
      await phone.respond(1, 'No common supported protocol version')
    },
    'device.link-version',
  ],
] as const) {
  test(`a phone with ${name} is turned away`, async () => {
    const { near, far } = wire()
    const greeting = greetBackupService(near, { clock: systemClock, signal })
    greeting.catch(() => undefined)
    await script(new PlayedPhone(far))
    await assert.rejects(greeting, code(expected))
  })
}
