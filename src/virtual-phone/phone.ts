import { generateKeyPair, type KeyObject } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { promisify } from 'node:util'
import { type ByteChannel, openChannel, type WaitOptions, wireClosed } from '../base/channel.ts'
import type { Clock } from '../base/clock.ts'
import { type BackupAgent, newBackupAgent } from './backup/backup-phone.ts'
import type { PhoneContents } from './contents/index.ts'
import { type Cut, cutChannel } from './cuts.ts'
import { createIdentity, type Identity, type IdentityOptions } from './identity/identity.ts'
import { Listeners } from './listeners.ts'
import { createInitialValues } from './lockdown/initial-values.ts'
import { LOCKDOWN_PORT, serveLockdown } from './lockdown/lockdownd.ts'
import { Pairings } from './lockdown/pairings.ts'
import { ServicePorts } from './lockdown/ports.ts'
import type { LockdownPhone, PairingNews, StartedService } from './lockdown/requests.ts'
import { startTls } from './lockdown/tls.ts'
import { Trust, type TrustState } from './lockdown/trust.ts'
import type { LockdownValues, ValueChange } from './lockdown/values.ts'
import type { PhoneOnMux, ServeConnection } from './mux/hub.ts'
import { MediaTree } from './services/afc/media-tree.ts'
import type { LogLine, PowerRequest, ServicePhone } from './services/service.ts'
import { SERVICES } from './services/services.ts'

export interface VirtualPhoneOptions extends IdentityOptions {
  readonly contents: PhoneContents
  readonly clock: Clock
  /** `trusted` unless given: every computer may pair at once. */
  readonly trust?: TrustState
}

/** What happens on the phone that a test, or a person who watches, may want to know. */
export type PhoneEvent =
  | { readonly kind: PairingNews }
  | { readonly kind: 'power'; readonly what: PowerRequest }
  | { readonly kind: 'notification'; readonly name: string }

/**
 * A phone made of software. It belongs to no mux server: attach it to one. Disposing ends its connections.
 * What `contents` tell about the phone they came from (name, model, iOS, UDID) is used where the options say nothing.
 */
export async function openVirtualPhone(options: VirtualPhoneOptions): Promise<VirtualPhone> {
  const identity = createIdentity(options, options.contents.identity)
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  return new VirtualPhone({ ...options, identity, key: privateKey })
}

interface Parts extends VirtualPhoneOptions {
  readonly identity: Identity
  readonly key: KeyObject
}

export class VirtualPhone implements PhoneOnMux, AsyncDisposable {
  readonly identity: Identity
  readonly contents: PhoneContents
  /** What lockdownd tells; some changes are posted as notifications, as iOS does. */
  readonly values: LockdownValues
  /** What the person does about computers that ask to be trusted. */
  readonly trust: Trust
  /** What AFC shows. */
  readonly media: MediaTree
  /** How the backup engine behaves; see its own description. */
  readonly agent: BackupAgent = newBackupAgent()
  readonly events = new Listeners<PhoneEvent>()
  readonly #notifications = new Listeners<string>()
  readonly #logLines = new Listeners<LogLine>()
  readonly #clock: Clock
  readonly #pairings: Pairings
  readonly #ports: ServicePorts<StartedService>
  readonly #cuts = new Map<string, number>()
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<void>>()

  constructor({ identity, contents, clock, trust, key }: Parts) {
    this.identity = identity
    this.contents = contents
    this.#clock = clock
    this.trust = new Trust({ state: trust ?? 'trusted', onAccept: () => this.post(REQUEST_PAIR) })
    this.media = createMedia(clock)
    this.#pairings = new Pairings({ key, oldestTlsVersion: this.#iosMajor < 10 ? 'TLSv1' : 'TLSv1.2' })
    this.#ports = new ServicePorts(clock)
    const { publicKeyPem } = this.#pairings
    this.values = createInitialValues({ identity, publicKeyPem, contentsBytes: contents.totals.bytes, clock })
    this.values.changes.add((change) => this.#postChange(change))
    this.#notifications.add((name) => this.events.tell({ kind: 'notification', name }))
  }

  get udid(): string {
    return this.identity.udid
  }

  /** Of iPhones and iPads in normal mode. Source: docs/protocol/usbmux.md#properties */
  get productId(): number {
    return this.identity.model.deviceClass === 'iPad' ? 0x12ab : 0x12a8
  }

  get #iosMajor(): number {
    return Number.parseInt(this.identity.productVersion, 10)
  }

  /** Posts a notification, as something on the phone does. */
  post(name: string): void {
    this.#notifications.tell(name)
  }

  /** Writes a line into the phone's log, for hosts that read it now. */
  log(line: LogLine): void {
    this.#logLines.tell(line)
  }

  /** Pulls the cable of a service's next connection, for that connection alone, after the phone sent that many bytes. */
  cutAfter({ service, bytes }: Cut): void {
    this.#cuts.set(service, bytes)
  }

  /** The person resets "Location & Privacy": no computer is trusted any more. */
  forgetHosts(): void {
    this.#pairings.forgetAll()
  }

  connect(port: number): ServeConnection | undefined {
    if (port === LOCKDOWN_PORT) {
      return this.#tracked((stream, options) => serveLockdown(stream, this.#forLockdown(), options))
    }
    const started = this.#ports.claim(port)
    return started && this.#tracked((stream, options) => this.#serveService(started, stream, options))
  }

  #tracked(serve: ServeConnection): ServeConnection {
    return async (stream, { signal }) => {
      const running = serve(stream, { signal: AbortSignal.any([signal, this.#closing.signal]) })
      this.#running.add(running)
      await running.finally(() => this.#running.delete(running))
    }
  }

  async #serveService({ name, tls }: StartedService, stream: Duplex, { signal }: WaitOptions): Promise<void> {
    try {
      const talk = tls === undefined ? stream : await startTls(stream, tls, { signal })
      await using channel = this.#openService(name, talk)
      await SERVICES.get(name)?.serve(channel, this.#forServices(), { signal })
    } catch (error) {
      stream.destroy()
      throw error
    }
  }

  #openService(name: string, stream: Duplex): ByteChannel {
    const bytes = this.#cuts.get(name)
    this.#cuts.delete(name)
    const channel = openChannel(stream)
    return bytes === undefined ? channel : cutChannel(channel, { bytes, stream })
  }

  #forLockdown(): LockdownPhone {
    return {
      values: this.values,
      trust: this.trust,
      pairings: this.#pairings,
      ports: this.#ports,
      services: SERVICES,
      servicesUseTls: this.#iosMajor >= 13,
      onPairing: (kind) => this.events.tell({ kind }),
    }
  }

  #forServices(): ServicePhone {
    const { udid, identity, contents, values, media, agent } = this
    const clock = this.#clock
    return {
      identity,
      contents,
      values,
      media,
      clock,
      notifications: this.#notifications,
      logLines: this.#logLines,
      backup: { udid, contents, clock, agent, lockdown: values, post: (name) => this.post(name) },
      onPower: (what) => this.events.tell({ kind: 'power', what }),
    }
  }

  #postChange({ domain, key }: ValueChange): void {
    if (domain === '' && key === 'DeviceName') this.post('com.apple.mobile.lockdown.device_name_changed')
    if (domain === 'com.apple.mobile.backup') this.post('com.apple.mobile.backup.domain_changed')
    if (domain === 'com.apple.disk_usage') this.post('com.apple.mobile.lockdown.disk_usage_changed')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(wireClosed(`The virtual phone ${this.udid} was switched off`))
    await Promise.allSettled(this.#running)
  }
}

/** Posted when the person taps Trust. */
const REQUEST_PAIR = 'com.apple.mobile.lockdown.request_pair'

/** The folders that the media folder of a phone in use has. */
function createMedia(clock: Clock): MediaTree {
  const media = new MediaTree({ clock })
  for (const path of [
    'Books',
    'DCIM/100APPLE',
    'Downloads',
    'PhotoData',
    'PublicStaging',
    'Recordings',
    'iTunes_Control/iTunes',
  ]) {
    media.makeFolder(path)
  }
  return media
}
