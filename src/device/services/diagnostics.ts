import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import type { Plist, PlistDict } from '../../plist/index.ts'
import { dictOf } from '../../plist/index.ts'
import { deviceError } from '../errors.ts'
import type { Phone } from '../phone.ts'
import { ask } from '../plist-frame.ts'
import { printableValue } from '../printable.ts'
import { openLimitedService } from './limited-service.ts'

const DIAGNOSTICS_RELAY = 'com.apple.mobile.diagnostics_relay'

/** Starts the service that the functions below talk to. The caller closes it, after `sayGoodbye`. */
export async function openDiagnostics(phone: Phone, { signal }: WaitOptions): Promise<ByteChannel> {
  return await openLimitedService(phone, DIAGNOSTICS_RELAY, { signal })
}

/** The parts of a phone that tell of themselves. `WiFi` says "not active" also of phones that are connected. */
export type DiagnosticsPart = 'All' | 'GasGauge' | 'HDMI' | 'NAND' | 'WiFi'

/** What the parts tell, each a dictionary under its name. Throws `device.diagnostics-refused`, as all of these do. */
export async function readDiagnostics(
  channel: ByteChannel,
  part: DiagnosticsPart,
  { signal }: WaitOptions,
): Promise<PlistDict> {
  return dictOf((await askRelay(channel, { Request: part }, { signal })).Diagnostics) ?? {}
}

/** Which entry of the phone's I/O registry: by its class or name, from a plane. Newer phones give no whole planes. */
export interface RegistryQuery {
  readonly EntryClass?: string
  readonly EntryName?: string
  readonly CurrentPlane?: string
}

/** One entry of the phone's I/O registry; empty when there is none, which newer phones say by leaving it out. */
export async function readRegistry(
  channel: ByteChannel,
  query: RegistryQuery,
  { signal }: WaitOptions,
): Promise<PlistDict> {
  const { Diagnostics } = await askRelay(channel, { Request: 'IORegistry', ...query }, { signal })
  return dictOf(dictOf(Diagnostics)?.IORegistry) ?? {}
}

/** Those of the named values that the phone knows; undefined from iOS 17.4 on, which tells none of them any more. */
export async function readGestalt(
  channel: ByteChannel,
  keys: readonly string[],
  { signal }: WaitOptions,
): Promise<PlistDict | undefined> {
  const answer = await askRelay(channel, { Request: 'MobileGestalt', MobileGestaltKeys: keys }, { signal })
  const { Status, ...values } = dictOf(dictOf(answer.Diagnostics)?.MobileGestalt) ?? {}
  if (Status === 'MobileGestaltDeprecated') return undefined
  if (Status !== undefined && Status !== 'Success') throw refused(Status)
  return values
}

export interface PowerFlags {
  /** Wait until this host has hung up. */
  readonly WaitForDisconnect?: boolean
  readonly DisplayPass?: boolean
  readonly DisplayFail?: boolean
}

/** Makes the phone restart, shut down or sleep. After the first two it is out of reach over Wi-Fi until it was unlocked once. */
export async function requestPower(
  channel: ByteChannel,
  what: 'Restart' | 'Shutdown' | 'Sleep',
  { signal, ...flags }: WaitOptions & PowerFlags,
): Promise<void> {
  await askRelay(channel, { Request: what, ...flags }, { signal })
}

/** Ends the conversation, which phones expect of every client. */
export async function sayGoodbye(channel: ByteChannel, { signal }: WaitOptions): Promise<void> {
  await ask(channel, { Request: 'Goodbye' }, { signal })
}

/** Source: docs/protocol/small-services.md#diagnostics-relay */
async function askRelay(
  channel: ByteChannel,
  question: PlistDict & { readonly Request: string },
  { signal }: WaitOptions,
): Promise<PlistDict> {
  const answer = await ask(channel, question, { signal })
  if (answer.Status !== 'Success') throw refused(answer.Status)
  return answer
}

function refused(status: Plist | undefined): Error {
  const saw = `The phone did not give its diagnostics (${printableValue(status)})`
  return deviceError('device.diagnostics-refused', saw, {
    remedy: 'Unlock the phone once after its restart, try again',
  })
}
