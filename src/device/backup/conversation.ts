import assert from 'node:assert/strict'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import type { Plist, PlistDict } from '../../plist/index.ts'
import type { BackupPath, NamedPath } from '../device-link/backup-path.ts'
import { sendFiles, statusForMissing } from '../device-link/download.ts'
import type { FinalResponse, HostRequest, NamedMove } from '../device-link/message.ts'
import {
  EMPTY,
  interpret,
  NOT_FOUND,
  processMessage,
  readMessage,
  STATUS,
  statusMessage,
  writeMessage,
} from '../device-link/message.ts'
import type { UploadedFile } from '../device-link/upload.ts'
import { readUpload } from '../device-link/upload.ts'
import { deviceError } from '../errors.ts'
import { printableValue } from '../printable.ts'
import type { OnBackupEvent } from './backup-events.ts'
import type { BackupEntry, BackupHost } from './backup-host.ts'
import type { BackupSession } from './backup-session.ts'
import { tellingSilence } from './silence.ts'

/** How a request is served until the phone's response. */
export interface ServeOptions extends WaitOptions {
  /** Whose backups the phone may name in paths. */
  readonly udids: readonly string[]
  readonly host: BackupHost
  readonly onEvent: OnBackupEvent | undefined
  /** The phone may begin by asking for its passcode without telling us. */
  readonly mayAskPasscode: boolean
}

/**
 * Sends one request, does what the phone says until its response, and says goodbye. The phone may be silent for minutes
 * (passcode, scan): nothing here runs out of time, the signal ends it. Abort and any error of the host drop the connection.
 * Throws the host's error, `wire.*`, or `device.backup-dropped`. The request may hold a password: it is shown nowhere.
 */
export async function askAndServe(
  { channel, clock }: BackupSession,
  request: PlistDict,
  options: ServeOptions,
): Promise<FinalResponse> {
  const { signal } = options
  await writeMessage(channel, processMessage(request), { signal })
  const response = await serve(channel, clock, options)
  await sayGoodbye(channel, { signal })
  return response
}

/** After its response a phone may hang up first, or leave: that changes nothing any more. */
async function sayGoodbye(channel: ByteChannel, { signal }: WaitOptions): Promise<void> {
  try {
    await writeMessage(channel, ['DLMessageDisconnect', EMPTY], { signal })
  } catch (error) {
    if (!signal.aborted && !isAppError(error, 'wire.closed')) throw error
  }
}

/** Obeys the phone, one request at a time, until its response. */
async function serve(channel: ByteChannel, clock: Clock, options: ServeOptions): Promise<FinalResponse> {
  const { signal, udids, onEvent } = options
  for (let isFirst = true; ; isFirst = false) {
    const silence = { clock, onEvent, mayAskPasscode: isFirst && options.mayAskPasscode }
    const message = await tellingSilence(silence, () => readMessage(channel, { signal }))
    const request = interpret(message, udids)
    if (request.do === 'take-response') return request.response
    if (request.do === 'end') throw dropped(request.reason)
    if (request.do === 'nothing') continue
    if ('percent' in request && request.percent !== undefined) {
      onEvent?.({ kind: 'progress', percent: request.percent })
    }
    await writeMessage(channel, await perform(request, channel, options), { signal })
  }
}

type Answerable = Exclude<HostRequest, { readonly do: 'take-response' | 'end' | 'nothing' }>

/** Does what was asked, streams included, and gives the status to send. */
async function perform(request: Answerable, channel: ByteChannel, options: ServeOptions): Promise<readonly Plist[]> {
  const { host, signal } = options
  switch (request.do) {
    case 'receive-files':
      options.onEvent?.({ kind: 'batch-started', bytes: request.bytes })
      return receiveFiles(channel, options)
    case 'send-files':
      return sendFiles(channel, request.paths, {
        open: ({ path }) => host.readFile(path, { signal }),
        onSent: ({ path }, bytes) => options.onEvent?.({ kind: 'file-sent', path, bytes }),
        signal,
      })
    case 'make-folder':
      await host.makeFolder(request.path.path, { signal })
      return statusMessage(STATUS.ok)
    case 'list':
      return listing(await host.list(request.path.path, { signal }))
    case 'move':
      return move(request.moves, options)
    case 'remove':
      return remove(request.paths, options)
    case 'copy':
      return copy(request, options)
    case 'report-free-space':
      return freeSpace(options)
    case 'purge':
      return statusMessage(STATUS.ok, EMPTY, wholeBytes(await host.purge(request.bytes, { signal })))
    case 'decline':
      return statusMessage(STATUS.failed, 'Operation not supported')
  }
}

async function receiveFiles(channel: ByteChannel, options: ServeOptions): Promise<readonly Plist[]> {
  const { host, udids, signal } = options
  const stored: BackupPath[] = []
  for await (const file of readUpload(channel, udids, { signal })) {
    if (await receiveFile(file, options)) stored.push(file.path)
    if (stored.length > FILES_MAX) throw badFrame(`The phone sent more than ${FILES_MAX} files at once`)
  }
  await host.uploaded(stored, { signal })
  return statusMessage(STATUS.ok)
}

/** Most files in one upload message; phones send at most 128. */
const FILES_MAX = 4096

/** False when the phone could not read the file to its end, which it then knows best itself. */
async function receiveFile(file: UploadedFile, { host, signal, onEvent }: ServeOptions): Promise<boolean> {
  const { path, devicePath, progress } = file
  try {
    await host.receiveFile(path, file.blocks, { signal })
  } catch (error) {
    if (progress.end?.kind !== 'unreadable' || progress.end.error !== error) throw error
    onEvent?.({ kind: 'file-unreadable', path, devicePath, status: progress.end.status, text: progress.end.text })
    return false
  }
  assert(progress.end?.kind === 'whole', 'A host reads every file to its end, and lets its failure through')
  onEvent?.({ kind: 'file-received', path, devicePath, bytes: progress.bytes })
  return true
}

async function move(moves: readonly NamedMove[], { host, signal }: ServeOptions): Promise<readonly Plist[]> {
  const plain = moves.map(({ from, to }) => ({ from: from.path, to: to.path }))
  const missing = new Set(await host.move(plain, { signal }))
  return statusForMissing(moves.map(({ from }) => from).filter(({ path }) => missing.has(path)))
}

async function remove(paths: readonly NamedPath[], { host, signal }: ServeOptions): Promise<readonly Plist[]> {
  const plain = paths.map(({ path }) => path)
  await host.remove(plain, { signal })
  return statusMessage(STATUS.ok)
}

async function copy({ from, to }: NamedMove, { host, signal }: ServeOptions): Promise<readonly Plist[]> {
  const found = await host.copy({ from: from.path, to: to.path }, { signal })
  return found ? statusMessage(STATUS.ok) : statusMessage(STATUS.notFound, NOT_FOUND)
}

async function freeSpace({ host, signal, onEvent }: ServeOptions): Promise<readonly Plist[]> {
  const freeBytes = wholeBytes(await host.freeBytes({ signal }))
  onEvent?.({ kind: 'space-asked', freeBytes })
  return statusMessage(STATUS.ok, EMPTY, freeBytes)
}

/** As a phone can read it: whole, not negative, and not infinite. */
function wholeBytes(bytes: number): number {
  return Math.min(Math.max(0, Math.floor(bytes)), Number.MAX_SAFE_INTEGER)
}

function listing(entries: Iterable<BackupEntry> | undefined): readonly Plist[] {
  if (entries === undefined) return statusMessage(STATUS.notFound, NOT_FOUND)
  const payload: { [name: string]: Plist } = Object.create(null)
  for (const { name, kind, sizeBytes, modifiedMs } of entries) {
    payload[name] = {
      DLFileType: kind === 'folder' ? 'DLFileTypeDirectory' : 'DLFileTypeRegular',
      DLFileSize: sizeBytes,
      DLFileModificationDate: new Date(modifiedMs),
    }
  }
  return statusMessage(STATUS.ok, EMPTY, payload)
}

function dropped(reason: string): Error {
  const why = reason === '' ? 'without a reason' : `saying ${printableValue(reason)}`
  return deviceError('device.backup-dropped', `The phone broke off ${why}`, {
    remedy: 'Start again: what a backup has sent is not lost',
  })
}
