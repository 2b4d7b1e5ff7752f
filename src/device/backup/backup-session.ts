import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import { numberOf, PlistReal } from '../../plist/index.ts'
import { parseResponse, processMessage, readMessage, writeMessage } from '../device-link/message.ts'
import { deviceError, notAnswering } from '../errors.ts'
import type { Phone } from '../phone.ts'
import { openService } from '../phone.ts'
import { printableValue } from '../printable.ts'
import { withinTime } from '../time-limit.ts'

/** A phone's backup service that has been greeted and waits for one request. Disposing hangs up. */
export interface BackupSession extends AsyncDisposable {
  readonly channel: ByteChannel
  /** The major number the phone announced: 400 since iOS 14, 300 before. */
  readonly linkVersion: number
  readonly protocolVersion: number
  readonly clock: Clock
}

const BACKUP_SERVICE = 'com.apple.mobilebackup2'

/** Phones answer within a second; a busy one may take longer to start its backup agent. */
const GREETING_MS_MAX = 120_000
/** The DeviceLink version spoken here. */
const LINK_VERSION = 400
const PROTOCOL_VERSIONS = [2.0, 2.1]

/** Starts the phone's backup service and greets it. The escrow bag goes along, so that a locked phone can be backed up. */
export async function openBackupSession(phone: Phone, { signal }: WaitOptions): Promise<BackupSession> {
  const channel = await openService(phone, BACKUP_SERVICE, { escrowBag: true, signal })
  const late = () => notAnswering("The phone's backup service", GREETING_MS_MAX / 1000)
  const limit = { ms: GREETING_MS_MAX, clock: phone.clock, late, signal }
  return withinTime(limit, (signal) => greetBackupService(channel, { clock: phone.clock, signal }))
}

/** Version exchange and Hello on a fresh connection, which is closed when they fail. Source: docs/protocol/mobilebackup2.md. */
export async function greetBackupService(
  channel: ByteChannel,
  { clock, signal }: WaitOptions & { readonly clock: Clock },
): Promise<BackupSession> {
  await using stack = new AsyncDisposableStack()
  stack.use(channel)
  const linkVersion = await exchangeVersions(channel, { signal })
  const protocolVersion = await sayHello(channel, { signal })
  const connection = stack.move()
  return { channel, linkVersion, protocolVersion, clock, [Symbol.asyncDispose]: () => connection.disposeAsync() }
}

async function exchangeVersions(channel: ByteChannel, { signal }: WaitOptions): Promise<number> {
  const offer = await readMessage(channel, { signal })
  const major = numberOf(offer[1])
  if (offer[0] !== 'DLMessageVersionExchange' || major === undefined)
    throw badFrame('The phone did not say its version')
  if (major > LINK_VERSION) {
    throw deviceError('device.link-version', `The phone speaks DeviceLink ${major}; ${LINK_VERSION} is known here`, {
      remedy: 'Update Phonekeep: this iOS is newer than it knows',
    })
  }
  await writeMessage(channel, ['DLMessageVersionExchange', 'DLVersionsOk', LINK_VERSION], { signal })
  const ready = await readMessage(channel, { signal })
  if (ready[0] !== 'DLMessageDeviceReady')
    throw badFrame(`The phone said ${printableValue(ready[0])} where it should be ready`)
  return major
}

async function sayHello(channel: ByteChannel, { signal }: WaitOptions): Promise<number> {
  const hello = {
    MessageName: 'Hello',
    SupportedProtocolVersions: PROTOCOL_VERSIONS.map((version) => new PlistReal(version)),
  }
  await writeMessage(channel, processMessage(hello), { signal })
  const reply = await readMessage(channel, { signal })
  if (reply[0] !== 'DLMessageProcessMessage')
    throw badFrame(`The phone answered Hello with ${printableValue(reply[0])}`)
  const { code, content } = parseResponse(reply[1])
  const version = numberOf(content.ProtocolVersion)
  if (code === 0 && version !== undefined && PROTOCOL_VERSIONS.includes(version)) return version
  throw deviceError('device.link-version', `The phone offers no backup protocol known here (${version ?? code})`, {
    remedy: 'Update Phonekeep: this iOS is newer than it knows',
  })
}
