import type { WaitOptions } from '../../base/channel.ts'
import type { Plist } from '../../plist/index.ts'
import { hostWriteError, statusError } from './backup-error.ts'
import type { BackupPhone } from './backup-phone.ts'
import { bombMessage, deepMessage } from './bad-plists.ts'
import { type DeviceLink, EMPTY, encodeMessage, frameHead, HostLeft } from './device-link.ts'
import { HostDrive } from './host-drive.ts'
import { encodeStatus, STATUS_VERSION } from './status-plist.ts'
import { DATA_CODE } from './upload-stream.ts'

export interface MischiefSession extends WaitOptions {
  readonly link: DeviceLink
  readonly phone: BackupPhone
}

/**
 * A scripted lie, told instead of a backup. `play` waits for the host's answer where one is due; when the host refuses, the
 * phone responds with that error, when it swallows the lie, with success. Some lies end in the phone hanging up.
 * A host is good when afterwards nothing has changed outside its folder for this phone and nothing counts as a backup.
 */
export interface Mischief {
  readonly name: string
  play(session: MischiefSession): Promise<void>
}

/** Every lie that the virtual phone knows, for tests that loop over them. */
export const MISCHIEFS: readonly Mischief[] = [
  uploadTo('upload to the parent folder', (udid) => `${udid}/../escaped`),
  uploadTo('upload out of Snapshot', (udid) => `${udid}/Snapshot/../../../escaped`),
  uploadTo('upload to an absolute path', () => '/tmp/escaped-from-virtual-phone'),
  uploadTo('upload to a path with NUL', (udid) => `${udid}/Snapshot/a\0b`),
  uploadTo('upload to a path with backslashes', (udid) => `${udid}\\..\\..\\escaped`),
  uploadTo('upload to a drive', () => 'C:/escaped'),
  uploadTo("upload to another phone's folder", () => '00008999-000000000000FFFF/Status.plist'),
  uploadTo('upload to an endless path', (udid) => `${udid}/${'a'.repeat(5_000)}`),
  uploadTo('upload to no path', () => ''),
  uploadTo('upload over the folder itself', (udid) => udid),
  upload('upload with a wrong code and text', ({ udid }) => file(`${udid}/Snapshot/00/x`, [[0x06, 'No such file']])),
  upload('upload that fails on the phone', ({ udid }) =>
    file(`${udid}/Snapshot/00/x`, [
      [DATA_CODE, 'half of it'],
      [0x0b, 'Input/output error (5)'],
    ]),
  ),
  upload('upload with an unknown code', ({ udid }) => file(`${udid}/Snapshot/00/x`, [[0x7f, 'what?']])),
  upload('upload of an empty block', ({ udid }) =>
    file(`${udid}/Snapshot/00/x`, [
      [DATA_CODE, ''],
      [0, ''],
    ]),
  ),
  upload('upload of one file twice', ({ udid }) => [...twice(`${udid}/Snapshot/00/${'0'.repeat(40)}`)]),
  hangUp(
    'an empty frame inside a file',
    ({ udid }) => [...names(`${udid}/Snapshot/00/x`), frameHead(0), frameHead(0)],
    {
      announced: true,
    },
  ),
  hangUp(
    'a block of 4 GiB',
    ({ udid }) => [...names(`${udid}/Snapshot/00/x`), frameHead(2 ** 32 - 1), Uint8Array.of(12)],
    {
      announced: true,
    },
  ),
  hangUp(
    'a block that breaks off',
    ({ udid }) => [...names(`${udid}/Snapshot/00/x`), frameHead(1_000), Uint8Array.of(12)],
    {
      announced: true,
    },
  ),
  hangUp('a name of 2 GiB', () => [frameHead(2 ** 31), new Uint8Array(65_536)], { announced: true }),
  hangUp('a message of 4 GiB', () => [frameHead(2 ** 32 - 1), new Uint8Array(65_536)]),
  hangUp('a message that breaks off', () => [frameHead(100), new Uint8Array(50)]),
  hangUp('a message of no bytes', () => [frameHead(0)]),
  hangUp('a message that is no property list', () => framed(Buffer.from('GET / HTTP/1.1'))),
  hangUp('a message that expands for ever', () => framed(bombMessage())),
  hangUp('a message nested too deep', () => framed(deepMessage())),
  ask('an unknown message', () => ['DLMessageFrobnicate', 'now', EMPTY, 0]),
  ask('a message without a name', () => [42]),
  ask('a removal without arguments', () => ['DLMessageRemoveItems']),
  ask('a move of a text', () => ['DLMessageMoveItems', 'everything', EMPTY, 0]),
  ask('a move of a missing file', ({ udid }) => move(`${udid}/Snapshot/00/nothing`, `${udid}/00/nothing`)),
  ask('a move out of the folder', ({ udid }) => move(`${udid}/Info.plist`, `${udid}/../escaped`)),
  ask('a move into the folder', ({ udid }) => move('/etc/hostname', `${udid}/00/hostname`)),
  ask('a removal of the parent folder', ({ udid }) => ['DLMessageRemoveItems', [`${udid}/..`], EMPTY, 0]),
  ask('a removal of everything', () => ['DLMessageRemoveItems', ['', '.', '/'], EMPTY, 0]),
  ask('a copy of a file of the host', ({ udid }) => [
    'DLMessageCopyItem',
    '/etc/hostname',
    `${udid}/00/x`,
    EMPTY,
    0,
    0,
  ]),
  ask('a folder outside', ({ udid }) => ['DLMessageCreateDirectory', `${udid}/../escaped`, EMPTY, 0]),
  ask('a listing of the parent folder', ({ udid }) => ['DLContentsOfDirectory', `${udid}/..`, EMPTY, 0]),
  download('a download of a file of the host', () => '../../../../../../etc/hostname'),
  download("a download of another phone's file", () => '00008999-000000000000FFFF/Status.plist'),
  { name: 'success without a backup', play: async () => undefined },
  { name: 'success in the middle', play: (session) => uploadStatusOnly(session) },
  hangUp('a response without a code', () => encodeMessage(['DLMessageProcessMessage', { MessageName: 'Response' }])),
  hangUp('a response that is no dictionary', () => encodeMessage(['DLMessageProcessMessage', 'done'])),
  hangUp('an unknown response', () =>
    encodeMessage(['DLMessageProcessMessage', { MessageName: 'Surprise', ErrorCode: 0 }]),
  ),
  hangUp('a disconnect instead of a response', () =>
    encodeMessage(['DLMessageDisconnect', 'Unknown Message Received']),
  ),
]

/** The one with that name; undefined for no fault. */
export function mischiefOf(fault: { readonly name: string } | undefined): Mischief | undefined {
  return MISCHIEFS.find(({ name }) => name === fault?.name)
}

type Frames = (phone: BackupPhone) => readonly Uint8Array[]

/** One file whose bytes nobody should ever find. */
function uploadTo(name: string, hostPath: (udid: string) => string): Mischief {
  return upload(name, ({ udid }) =>
    file(hostPath(udid), [
      [DATA_CODE, 'escaped'],
      [0, ''],
    ]),
  )
}

/** A stream of files that is well formed as frames go. */
function upload(name: string, frames: Frames): Mischief {
  return {
    name,
    async play({ link, phone, signal }) {
      const stream = [...ANNOUNCEMENT, ...frames(phone), frameHead(0)]
      await link.sendRaw(Buffer.concat(stream), { signal })
      refuseIfRefused(await link.receiveStatus({ signal }))
    },
  }
}

/** Frames after which the session cannot go on. */
function hangUp(name: string, frames: Frames, { announced = false } = {}): Mischief {
  return {
    name,
    async play({ link, phone, signal }) {
      await link.sendRaw(Buffer.concat([...(announced ? ANNOUNCEMENT : []), ...frames(phone)]), { signal })
      throw new HostLeft('The phone hangs up')
    },
  }
}

/** One request to which the host has to say something. */
function ask(name: string, message: (phone: BackupPhone) => readonly Plist[]): Mischief {
  return {
    name,
    async play({ link, phone, signal }) {
      refuseIfRefused(await link.ask(message(phone), { signal }))
    },
  }
}

function download(name: string, path: () => string): Mischief {
  return {
    name,
    async play({ link, signal }) {
      refuseIfRefused(await new HostDrive(link).download(path(), () => undefined, { signal }))
    },
  }
}

/** A commit point, and then success, although the backup has only begun. */
async function uploadStatusOnly({ link, phone, signal }: MischiefSession): Promise<void> {
  const drive = new HostDrive(link)
  await drive.makeFolder(phone.udid, { signal })
  const status = encodeStatus({
    uuid: '00000000-0000-4000-8000-000000000000',
    version: STATUS_VERSION,
    backupState: 'empty',
    snapshotState: 'uploading',
    isFullBackup: true,
    date: new Date(phone.clock.nowMs()),
  })
  await drive.uploadBytes(`${phone.udid}/Status.plist`, status, { signal })
}

function refuseIfRefused({ code, text }: { code: number; text: string }): void {
  if (code !== 0) throw hostWriteError('The host refuses', statusError(code, text))
}

const ANNOUNCEMENT = encodeMessage(['DLMessageUploadFiles', EMPTY, 0, 7])

const framed = (body: Uint8Array) => [frameHead(body.length), body]
const names = (hostPath: string) => [Buffer.from('/.b/6/mobile/lie'), Buffer.from(hostPath)].flatMap(framed)
const move = (from: string, to: string) => ['DLMessageMoveItems', { [from]: to }, EMPTY, 0]

function file(hostPath: string, blocks: readonly (readonly [code: number, text: string])[]): Uint8Array[] {
  const bodies = blocks.map(([code, text]) => Buffer.concat([Uint8Array.of(code), Buffer.from(text)]))
  return [...names(hostPath), ...bodies.flatMap(framed)]
}

function twice(hostPath: string): Uint8Array[] {
  return ['first', 'second'].flatMap((text) =>
    file(hostPath, [
      [DATA_CODE, text],
      [0, ''],
    ]),
  )
}
