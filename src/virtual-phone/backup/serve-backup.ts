import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { arrayOf, boolOf, dictOf, numberOf, type PlistDict, PlistReal, textOf } from '../../plist/index.ts'
import { BackupError, MB } from './backup-error.ts'
import type { BackupPhone } from './backup-phone.ts'
import { DeviceLink, HostLeft } from './device-link.ts'
import { backUp } from './engine.ts'
import { HostDrive } from './host-drive.ts'
import { describeBackup, listBackup } from './inspection.ts'

/** What a phone announces since iOS 14. */
const LINK_VERSION = { major: 400, minor: 0 } as const
const PROTOCOL_VERSIONS = [2.1, 2.0] as const

/**
 * The phone's side of com.apple.mobilebackup2 for one connection: resolves when the host has disconnected or hung up, or when a
 * phone would hang up by itself (a request for another phone). The caller owns the channel and closes it then.
 * Rejects with `wire.bad-frame` or a plist error when the host breaks the protocol. Abort: rejects, the channel is destroyed.
 * Source: docs/protocol/mobilebackup2.md
 */
export async function serveBackup(channel: ByteChannel, phone: BackupPhone, { signal }: WaitOptions): Promise<void> {
  const link = new DeviceLink(channel)
  try {
    await exchangeVersions(link, { signal })
    await serveRequests(link, phone, { signal })
  } catch (error) {
    if (!(error instanceof HostLeft) && !isAppError(error, 'wire.closed')) throw error
  }
}

async function exchangeVersions(link: DeviceLink, options: WaitOptions): Promise<void> {
  await link.send(['DLMessageVersionExchange', LINK_VERSION.major, LINK_VERSION.minor], options)
  const [name, verdict] = await link.receive(options)
  const isAccepted = verdict === 'DLVersionsOk' || verdict === 'DLErrorAcceptingDeviceLinkGreater'
  if (name !== 'DLMessageVersionExchange' || !isAccepted) throw new HostLeft('The host refused the version')
  await link.send(['DLMessageDeviceReady'], options)
}

async function serveRequests(link: DeviceLink, phone: BackupPhone, options: WaitOptions): Promise<void> {
  for (;;) {
    const [name, body] = await link.receive(options)
    const request = dictOf(body)
    if (name !== 'DLMessageProcessMessage' || request === undefined) return link.refuse(name, options)
    const response = await answer(request, { link, phone }, options)
    await link.send(['DLMessageProcessMessage', { MessageName: 'Response', ...response }], options)
  }
}

interface Session {
  readonly link: DeviceLink
  readonly phone: BackupPhone
}

/** The keys of the Response. A failure of the backup is an answer, a failure of the connection is not. */
async function answer(request: PlistDict, session: Session, options: WaitOptions): Promise<PlistDict> {
  try {
    return { ErrorCode: 0, ...(await perform(request, session, options)) }
  } catch (error) {
    if (!(error instanceof BackupError)) throw error
    return { ErrorCode: error.code, ErrorDescription: error.describe() }
  }
}

async function perform(request: PlistDict, session: Session, options: WaitOptions): Promise<PlistDict> {
  const { phone, link } = session
  const name = textOf(request.MessageName)
  if (name === 'Hello') return hello(request)
  if (textOf(request.TargetIdentifier) !== phone.udid) throw new HostLeft('The request is for another phone')
  switch (name) {
    case 'Backup':
      await performBackup(session, options)
      return {}
    case 'Info':
      return {
        Content: await describeBackup(phone, { drive: new HostDrive(link), source: sourceOf(request) }, options),
      }
    case 'List':
      return { Content: await listBackup(phone, { drive: new HostDrive(link), source: sourceOf(request) }, options) }
    case 'Restore':
    case 'ChangePassword':
    case 'EnableCloudBackup':
    case 'EraseDevice':
    case 'Extract':
    case 'Remove':
    case 'Unback':
      throw new BackupError(MB.internal, `${name} is not supported by this phone`)
    default:
      return link.refuse(`request ${name ?? 'without a name'}`, options)
  }
}

function hello(request: PlistDict): PlistDict {
  const offered = (arrayOf(request.SupportedProtocolVersions) ?? []).map(numberOf)
  const version = PROTOCOL_VERSIONS.find((own) => offered.includes(own))
  if (version === undefined) throw new BackupError(MB.internal, 'No common supported protocol version')
  return { ProtocolVersion: new PlistReal(version) }
}

function sourceOf(request: PlistDict): string {
  return textOf(request.SourceIdentifier) ?? textOf(request.TargetIdentifier) ?? ''
}

/** After an error that the host was told of, the phone forgets what it had sent; after a lost connection it does not. */
async function performBackup({ link, phone }: Session, options: WaitOptions): Promise<void> {
  const { agent } = phone
  if (agent.mischief !== undefined) return agent.mischief.play({ link, phone, ...options })
  await askPasscode(link, phone, options)
  checkPreconditions(phone)
  try {
    await backUp(phone, new HostDrive(link), options)
  } catch (error) {
    if (error instanceof BackupError) agent.cache = undefined
    throw error
  }
  phone.lockdown.set(BACKUP_DOMAIN, 'LastiTunesBackupDate', new Date(phone.clock.nowMs()))
}

const BACKUP_DOMAIN = 'com.apple.mobile.backup'
const SHEET = 'com.apple.LocalAuthentication.ui'

/** Nothing is said over the link meanwhile. Source: docs/protocol/mobilebackup2.md#the-passcode */
async function askPasscode(link: DeviceLink, phone: BackupPhone, options: WaitOptions): Promise<void> {
  const { agent, clock } = phone
  if (agent.passcode.habit === 'no-passcode') return
  phone.post(`${SHEET}.presented`)
  try {
    const outcome = await link.quietly((waiting) => agent.passcode.ask(clock, waiting), options)
    if (outcome !== 'entered') throw new BackupError(MB.locked, 'Device locked')
  } finally {
    phone.post(`${SHEET}.dismissed`)
  }
}

function checkPreconditions({ agent, lockdown }: BackupPhone): void {
  if (agent.forbiddenByManagement) throw new BackupError(MB.forbidden, 'Backup is not allowed by device management')
  if (!agent.isSetUp) throw new BackupError(MB.notSetUp, 'Setup assistant is not finished')
  if (boolOf(lockdown.get(BACKUP_DOMAIN, 'WillEncrypt')) || boolOf(lockdown.get(BACKUP_DOMAIN, 'RequiresEncryption'))) {
    throw new BackupError(MB.password, 'Backup encryption is required, but this phone has no backup password')
  }
}
