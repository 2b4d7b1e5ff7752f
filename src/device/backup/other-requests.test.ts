import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'
import { NEVER } from '../../base/abort.ts'
import { concatBytes, utf8 } from '../../base/bytes.ts'
import type { ByteChannel } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { Secret } from '../../base/secret.ts'
import type { Plist } from '../../plist/index.ts'
import { EMPTY } from '../device-link/message.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { memoryHost } from '../testing/memory-host.ts'
import { PlayedPhone } from '../testing/played-phone.ts'
import { framed, hex, wire } from '../testing/wire.ts'
import type { BackupEvent } from './backup-events.ts'
import type { BackupOutcome, RestoreOptions } from './backup-service.ts'
import { changeBackupPassword, runBackup, runRestore, setCloudBackup } from './backup-service.ts'
import type { BackupSession } from './backup-session.ts'
import { greetBackupService } from './backup-session.ts'

const U = '00008120-0008AB48A562DBB5'
/** The phone that the backup was made of. */
const X = 'a'.repeat(40)
const signal = NEVER
const END = hex('00 00 00 00')
const plain = (message: Plist | readonly Plist[]) => JSON.parse(JSON.stringify(message))
const status = (code: number, text: string = EMPTY, payload: Plist = {}) => plain([STATUS, code, text, payload])
const STATUS = 'DLMessageStatusResponse'
const PASSWORDS = { old: new Secret('sesame'), new: new Secret('open wide') }

/** Sends a request to a phone that does `script` with it; resolves when both are done. */
async function converse(
  ask: (session: BackupSession) => Promise<BackupOutcome>,
  script: (phone: PlayedPhone, request: unknown) => Promise<unknown>,
) {
  const { near, far } = wire()
  const phone = new PlayedPhone(far)
  const running = (async () => {
    await using session = await greetBackupService(near, { clock: manualClock(), signal })
    return await ask(session)
  })()
  running.catch(() => undefined)
  await phone.greet()
  await script(phone, plain(await phone.hearRequest()))
  return await running
}

const OPTIONS: RestoreOptions = {
  restoreSystemFiles: true,
  restoreShouldReboot: true,
  restoreDontCopyBackup: true,
  restorePreserveSettings: false,
  removeItemsNotRestored: false,
}

const restoring = (options: RestoreOptions, host = memoryHost()) => {
  return (session: BackupSession) => runRestore(session, { udid: U, sourceUdid: X, options, host, signal })
}

test('a restore says every option, those that are off too, and which backup it is of', async () => {
  const outcome = await converse(restoring(OPTIONS), async (phone, request) => {
    assert.deepEqual(request, {
      MessageName: 'Restore',
      TargetIdentifier: U,
      SourceIdentifier: X,
      Options: {
        RestoreSystemFiles: true,
        RestoreShouldReboot: true,
        RestoreDontCopyBackup: true,
        RestorePreserveSettings: false,
        RemoveItemsNotRestored: false,
      },
    })
    await phone.respond(0)
  })
  assert.deepEqual(outcome, { outcome: 'finished' })
})

test('a password and a choice of apps go along, the apps where any phone will find them', async () => {
  const options = { ...OPTIONS, password: PASSWORDS.old, applicationIds: ['com.example.notes'] }
  await converse(restoring(options), async (phone, request) => {
    const { ApplicationIDs, Options } = plain(request as Plist)
    assert.deepEqual(ApplicationIDs, ['com.example.notes'])
    assert.deepEqual(Options.ApplicationIDs, ['com.example.notes'])
    assert.equal(Options.Password, 'sesame')
    await phone.respond(0)
  })
})

test('the phone reads the other phone’s backup and may write its own, and nothing else', async () => {
  const host = memoryHost()
  host.files.set(`${X}/Manifest.plist`, utf8('plist'))
  const ask = restoring(OPTIONS, host)
  await converse(ask, async (phone) => {
    await phone.say(['DLMessageDownloadFiles', [`${X}/Manifest.plist`], EMPTY, 0, 0])
    assert.equal(Buffer.from(await readFrame(phone)).toString(), `${X}/Manifest.plist`)
    assert.equal(Buffer.from(await readFrame(phone)).toString(), '\x0cplist')
    assert.deepEqual(await readFrame(phone), Uint8Array.of(0))
    assert.equal((await readFrame(phone)).length, 0)
    assert.deepEqual(plain(await phone.hear()), status(0))
    assert.deepEqual(
      plain(await phone.ask(['DLContentsOfDirectory', U, EMPTY, 0])),
      status(-6, 'No such file or directory'),
    )
    await phone.respond(0)
  })
  const stranger = converse(ask, (phone) => phone.say(['DLMessageDownloadFiles', [`${'b'.repeat(40)}/a`], EMPTY, 0, 0]))
  await assert.rejects(stranger, (error) => isAppError(error, 'wire.bad-frame'))
})

async function readFrame({ channel }: PlayedPhone): Promise<Uint8Array> {
  const size = Buffer.from(await channel.readExactly(4, { signal })).readUInt32BE()
  return Uint8Array.from(await channel.readExactly(size, { signal }))
}

test('a phone that restarts right behind its success has restored', async () => {
  const outcome = await converse(restoring(OPTIONS), async (phone) => {
    await phone.respond(0)
    phone.channel.detach().destroy()
  })
  assert.deepEqual(outcome, { outcome: 'finished' })
})

test('a phone that is known to have left by the time of our goodbye has restored', async () => {
  const left = new AbortController()
  const ask = (session: BackupSession) => {
    const channel: ByteChannel = {
      readExactly: (size, options) => session.channel.readExactly(size, options),
      readSome: (sizeMax, options) => session.channel.readSome(sizeMax, options),
      detach: () => session.channel.detach(),
      [Symbol.asyncDispose]: () => session.channel[Symbol.asyncDispose](),
      write: (bytes, options) => {
        if (Buffer.concat([bytes].flat()).includes('DLMessageDisconnect')) left.abort()
        return session.channel.write(bytes, options)
      },
    }
    const request = { udid: U, sourceUdid: X, options: OPTIONS, host: memoryHost(), signal: left.signal }
    return runRestore({ ...session, channel }, request)
  }
  assert.deepEqual(await converse(ask, (phone) => phone.respond(0)), { outcome: 'finished' })
  assert.ok(left.signal.aborted)
})

test('a phone that leaves before its response has not restored', async () => {
  const running = converse(restoring(OPTIONS), async (phone) => phone.channel.detach().destroy())
  await assert.rejects(running, (error) => isAppError(error, 'wire.closed'))
})

for (const [what, passwords, expected] of [
  ['sets', { new: PASSWORDS.new }, { NewPassword: 'open wide' }],
  ['removes', { old: PASSWORDS.old }, { OldPassword: 'sesame' }],
  ['changes', PASSWORDS, { OldPassword: 'sesame', NewPassword: 'open wide' }],
] as const) {
  test(`a request that ${what} the password names nothing but what it must`, async () => {
    const ask = (session: BackupSession) => changeBackupPassword(session, { udid: U, ...passwords, signal })
    await converse(ask, async (phone, request) => {
      assert.deepEqual(request, { MessageName: 'ChangePassword', TargetIdentifier: U, ...expected })
      await phone.respond(0)
    })
  })
}

const changing = (session: BackupSession) => changeBackupPassword(session, { udid: U, ...PASSWORDS, signal })

test('without a backup at hand, a change of the password finds none and takes whatever the phone sends', async () => {
  const upload = [framed(utf8('/d')), framed(utf8(`${U}/Manifest.plist`)), framed(utf8('\x0cplist')), framed(hex('00'))]
  const outcome = await converse(changing, async (phone) => {
    for (const path of [`${U}/Snapshot/Manifest.plist`, `${U}/Manifest.plist`]) {
      await phone.say(['DLMessageDownloadFiles', [path], EMPTY, 0, 0])
      assert.equal(Buffer.from(await readFrame(phone)).toString(), path)
      assert.equal((await readFrame(phone))[0], 6)
      assert.equal((await readFrame(phone)).length, 0)
      assert.equal((await phone.hear())[1], -13)
    }
    assert.deepEqual(
      plain(await phone.ask(['DLMessageUploadFiles', EMPTY, 0, 0], concatBytes([...upload, END]))),
      status(0),
    )
    assert.deepEqual(plain(await phone.ask(['DLMessageCreateDirectory', U, EMPTY, 0])), status(0))
    assert.deepEqual(plain(await phone.ask(['DLMessageRemoveItems', [`${U}/a`], EMPTY, 0])), status(0))
    assert.equal((await phone.ask(['DLMessageMoveItems', { [`${U}/a`]: `${U}/b` }, EMPTY, 0]))[1], -13)
    assert.equal((await phone.ask(['DLMessageCopyItem', U, `${U}-1`, EMPTY, 0, 0]))[1], -6)
    assert.deepEqual(await phone.ask(['DLMessageGetFreeDiskSpace']), [STATUS, 0, EMPTY, 0])
    await phone.respond(0)
  })
  assert.deepEqual(outcome, { outcome: 'finished' })
})

test('with a backup at hand, the phone may rewrite its Manifest.plist', async () => {
  const host = memoryHost()
  const ask = (session: BackupSession) => changeBackupPassword(session, { udid: U, ...PASSWORDS, host, signal })
  const upload = [framed(utf8('/d')), framed(utf8(`${U}/Manifest.plist`)), framed(utf8('\x0cnew')), framed(hex('00'))]
  await converse(ask, async (phone) => {
    await phone.ask(['DLMessageUploadFiles', EMPTY, 0, 0], concatBytes([...upload, END]))
    await phone.respond(0)
  })
  assert.equal(Buffer.from(host.files.get(`${U}/Manifest.plist`)!).toString(), 'new')
})

test('a request without any password is a mistake of ours', async () => {
  const { near, far } = wire()
  const greeting = greetBackupService(near, { clock: manualClock(), signal })
  await new PlayedPhone(far).greet()
  await assert.rejects(changeBackupPassword(await greeting, { udid: U, signal }), { name: 'AssertionError' })
})

test('no password shows in what a request ends with, however the phone ends it', async () => {
  const endings = [
    (phone: PlayedPhone) => phone.respond(207, 'Invalid password'),
    (phone: PlayedPhone) => phone.say(['DLMessageDisconnect', 'Unknown Message Received']),
    (phone: PlayedPhone) => phone.say({ MessageName: 'Response' }),
    async (phone: PlayedPhone) => phone.channel.detach().destroy(),
  ]
  const asks = [changing, restoring({ ...OPTIONS, password: PASSWORDS.old })]
  for (const ask of asks) {
    for (const ending of endings) {
      const ended = await converse(ask, ending).catch((error: unknown) => error)
      assert.doesNotMatch(inspect(ended, { depth: 20, showHidden: true }), /sesame|open wide/)
    }
  }
})

for (const isOn of [true, false]) {
  test(`turning iCloud Backup ${isOn ? 'on' : 'off'} says so at the top of the request`, async () => {
    await converse(
      (session) => setCloudBackup(session, { udid: U, isOn, signal }),
      async (phone, request) => {
        const expected = { MessageName: 'EnableCloudBackup', TargetIdentifier: U, SourceIdentifier: U }
        assert.deepEqual(request, { ...expected, CloudBackupState: isOn })
        await phone.respond(0)
      },
    )
  })
}

test('a refusal is a value with the phone’s code and text', async () => {
  const ask = (session: BackupSession) => setCloudBackup(session, { udid: U, isOn: true, signal })
  const outcome = await converse(ask, (phone) => phone.respond(1, 'No account exists'))
  assert.deepEqual(outcome, { outcome: 'refused', code: 1, description: 'No account exists' })
})

/** Which requests a silent phone of that iOS version is taken to ask for its passcode in. */
async function hintsOf(ios: string | undefined): Promise<readonly string[]> {
  const hints: string[] = []
  const requests: {
    readonly [name: string]: (session: BackupSession, onEvent: (event: BackupEvent) => void) => Promise<BackupOutcome>
  } = {
    backup: (session, onEvent) => runBackup(session, { udid: U, ios, host: memoryHost(), onEvent, signal }),
    password: (session, onEvent) =>
      changeBackupPassword(session, { udid: U, ios, new: PASSWORDS.new, onEvent, signal }),
    cloud: (session, onEvent) => setCloudBackup(session, { udid: U, ios, isOn: true, onEvent, signal }),
  }
  for (const [name, request] of Object.entries(requests)) {
    const clock = manualClock()
    const ask = (session: BackupSession) =>
      request({ ...session, clock }, ({ kind }) => void (kind === 'passcode-likely' && hints.push(name)))
    await converse(ask, async (phone) => {
      clock.pass(2000)
      await setImmediate()
      await phone.respond(0)
    })
  }
  return hints
}

for (const [ios, expected] of [
  [undefined, []],
  ['12.5', []],
  ['13.0', ['password']],
  ['15.7', ['password']],
  ['15.7.1', ['backup', 'password']],
  ['16.0.3', ['password']],
  ['16.1', ['backup', 'password']],
  ['27.0', ['backup', 'password']],
] as const) {
  test(`silence of iOS ${ios ?? 'unknown'} may mean the passcode for: ${expected.join(', ') || 'nothing'}`, async () => {
    assert.deepEqual(await hintsOf(ios), expected)
  })
}
