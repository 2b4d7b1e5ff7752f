import { generateKeyPair, type KeyObject } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { promisify } from 'node:util'
import { type ByteChannel, openChannel, wireClosed } from '../base/channel.ts'
import type { Clock } from '../base/clock.ts'
import { type BackupAgent, type EncryptionOptions, newBackupAgent, setUpEncryption } from './backup/backup-phone.ts'
import { readRestoreApplications } from './backup/restore/index.ts'
import { conditionLine, conditionNews, endCloudBackup } from './cloud-backup.ts'
import { Condition, type ConditionChange, type ConditionState, notificationsOf } from './condition/index.ts'
import type { PhoneContents } from './contents/index.ts'
import { type Fault, Faults, LOCKDOWN } from './faults/index.ts'
import { createIdentity, type Identity, type IdentityOptions } from './identity/identity.ts'
import { Listeners } from './listeners.ts'
import { createInitialValues } from './lockdown/initial-values.ts'
import { LOCKDOWN_PORT, type LockdownOptions, serveLockdown } from './lockdown/lockdownd.ts'
import { Pairings } from './lockdown/pairings.ts'
import { ServicePorts } from './lockdown/ports.ts'
import type { LockdownNews, LockdownPhone, StartedService } from './lockdown/requests.ts'
import { startTls } from './lockdown/tls.ts'
import type { LockdownValues, ValueChange } from './lockdown/values.ts'
import type { PhoneOnMux } from './mux/hub.ts'
import { type Personality, personalityOf, type Trait, traitsOf } from './personality/index.ts'
import type { MediaTree } from './services/afc/media-tree.ts'
import { createMedia, OtherProgram } from './services/afc/phone-media.ts'
import { createCrashReports } from './services/crash-reports.ts'
import { completeLine, type LogLine, type NewLogLine } from './services/log-line.ts'
import type { NetworkLink, PowerNews, ServicePhone } from './services/service.ts'
import { SERVICES } from './services/services.ts'

export interface VirtualPhoneOptions extends IdentityOptions {
  readonly contents: PhoneContents
  readonly clock: Clock
  /** A name of `PERSONALITIES`: model, iOS and what goes with them, where the other options say nothing. */
  readonly personality?: string
  /** Where it differs from a phone in everyday use without a passcode, which trusts every computer at once. */
  readonly condition?: Partial<ConditionState>
  /** No backup password unless given. */
  readonly encryption?: EncryptionOptions
}

/** What happens on the phone that a test, or a person who watches, may want to know. */
export type PhoneEvent =
  | LockdownNews
  | ({ readonly kind: 'power' } & PowerNews)
  | { readonly kind: 'notification'; readonly name: string }
  | { readonly kind: 'erased' }
  | { readonly kind: 'backed-up' }
  | { readonly kind: 'fault'; readonly fault: Fault }

/**
 * A phone made of software. It belongs to no mux server: attach it to one. Disposing ends its connections, and removes from
 * this machine what restores have brought.
 * What `contents` tell about the phone they came from (name, model, iOS, UDID) is used where the options say nothing.
 * Throws `virtual-phone.unknown-personality` and what `createIdentity` throws.
 */
export async function openVirtualPhone(options: VirtualPhoneOptions): Promise<VirtualPhone> {
  const personality = options.personality === undefined ? undefined : personalityOf(options.personality)
  const identity = createIdentity({ ...pick(personality), ...options }, options.contents.identity)
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  return new VirtualPhone({ ...options, identity, without: personality?.without ?? [], key: privateKey })
}

function pick(personality: Personality | undefined): Pick<IdentityOptions, 'model' | 'ios'> {
  return personality === undefined ? {} : { model: personality.model, ios: personality.ios }
}

/** Serves a connection to the phone; over the network some of lockdownd's answers are others, and services have a link. */
export type ServePhone = (stream: Duplex, options: LockdownOptions & { readonly link?: NetworkLink }) => Promise<void>

interface Parts extends VirtualPhoneOptions {
  readonly identity: Identity
  /** Values of lockdownd that it does not tell, `DOMAIN:KEY` each. */
  readonly without: readonly string[]
  readonly key: KeyObject
}

export class VirtualPhone implements PhoneOnMux, AsyncDisposable {
  readonly identity: Identity
  readonly contents: PhoneContents
  /** What lockdownd tells; some changes are posted as notifications, as iOS does. */
  readonly values: LockdownValues
  /** Locked, charging, full, managed, …; and what the person does who holds the phone. */
  readonly condition: Condition
  /** What its version of iOS does. */
  readonly traits: ReadonlySet<Trait>
  /** What AFC shows. */
  readonly media: MediaTree
  /** What crashreportcopymobile shows. */
  readonly crashReports: MediaTree
  /** The computers that it trusts. */
  readonly pairings: Pairings
  /** Told when it is to restart, to shut down or to sleep, which `events` tells too. */
  readonly power = new Listeners<PowerNews>()
  /** What the backup engine remembers; see its own description. */
  readonly agent: BackupAgent = newBackupAgent()
  /** What is to go wrong, and what has. */
  readonly faults: Faults
  readonly events = new Listeners<PhoneEvent>()
  readonly #notifications = new Listeners<string>()
  readonly #logLines = new Listeners<LogLine>()
  readonly clock: Clock
  readonly #ports: ServicePorts<StartedService>
  readonly #closing = new AbortController()
  /** Aborted when the phone restarts, which ends every connection. */
  #up = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly #otherProgram: OtherProgram

  constructor({ identity, contents, clock, condition, encryption, without, key }: Parts) {
    this.identity = identity
    this.contents = contents
    this.clock = clock
    this.traits = traitsOf(identity.productVersion)
    this.condition = new Condition(condition, { onTrust: () => this.post(REQUEST_PAIR) })
    this.media = createMedia(clock)
    this.#otherProgram = new OtherProgram(this.media)
    this.crashReports = createCrashReports(identity, clock)
    this.pairings = new Pairings({ key, oldestTlsVersion: this.traits.has('modern-tls') ? 'TLSv1.2' : 'TLSv1' })
    this.#ports = new ServicePorts(clock)
    this.values = createInitialValues({
      identity,
      publicKeyPem: this.pairings.publicKeyPem,
      contentsBytes: () => contents.totals.bytes,
      condition: this.condition,
      clock,
    })
    for (const name of without) this.values.remove(...splitName(name))
    setUpEncryption({ agent: this.agent, lockdown: this.values }, encryption)
    this.faults = new Faults({
      clock,
      phone: { lock: () => this.condition.lock(), restart: () => this.restart() },
      onFire: ({ fault }) => this.events.tell({ kind: 'fault', fault }),
    })
    this.condition.changes.add((change) => this.#follow(change))
    this.#otherProgram.follow(this.condition.state)
    this.values.changes.add((change) => this.#postChange(change))
    this.#notifications.add((name) => this.events.tell({ kind: 'notification', name }))
    this.power.add((news) => this.events.tell({ kind: 'power', ...news }))
    this.power.add(({ what }) => what === 'restart' && this.#boot())
  }

  get udid(): string {
    return this.identity.udid
  }

  /** Of iPhones and iPads in normal mode. Source: docs/protocol/usbmux.md#properties */
  get productId(): number {
    return this.identity.model.deviceClass === 'iPad' ? 0x12ab : 0x12a8
  }

  /** Posts a notification, as something on the phone does. */
  post(name: string): void {
    this.#notifications.tell(name)
  }

  /** Writes a line into the phone's log, for hosts that read it now. */
  log(line: NewLogLine): void {
    this.#logLines.tell(completeLine(line, { nowMs: this.clock.nowMs() }))
  }

  /** An iCloud backup ends, as after a tap on Back Up Now: well, or with an error of MBErrorDomain. Nothing is uploaded. */
  endCloudBackup({ code }: { code?: number } = {}): void {
    const { values, contents, clock } = this
    endCloudBackup({ values, contents, clock, log: (line) => this.log(line) }, { code })
  }

  /** Ends every connection; a phone with a passcode is locked then, and lets nobody at its data. `events` tell of it. */
  restart(): void {
    this.power.tell({ what: 'restart', displayPass: false, displayFail: false })
  }

  #boot(): void {
    const before = this.#up
    this.#up = new AbortController()
    this.#ports.closeAll()
    this.condition.boot()
    this.agent.hasRestoreLeftovers = false
    before.abort(wireClosed(`The virtual phone ${this.udid} restarts`))
  }

  /** The person resets "Location & Privacy": no computer is trusted any more. */
  forgetHosts(): void {
    this.pairings.forgetAll()
  }

  connect(port: number): ServePhone | undefined {
    if (port === LOCKDOWN_PORT) {
      return this.#tracked((stream, options) => serveLockdown(stream, this.#forLockdown(), options))
    }
    const started = this.#ports.claim(port)
    return started && this.#tracked((stream, options) => this.#serveService(started, stream, options))
  }

  /** What serves a connection until it ends, or until the phone is switched off, which waits for it. */
  #tracked(serve: ServePhone): ServePhone {
    return async (stream, { signal, ...way }) => {
      const ending = AbortSignal.any([signal, this.#closing.signal, this.#up.signal])
      const running = serve(stream, { ...way, signal: ending })
      this.#running.add(running)
      await running.finally(() => this.#running.delete(running))
    }
  }

  async #serveService(
    { name, tls }: StartedService,
    stream: Duplex,
    { signal, link }: Parameters<ServePhone>[1],
  ): Promise<void> {
    try {
      const talk = tls === undefined ? stream : (await startTls(stream, tls, { signal })).stream
      await using channel = this.#openService(name, talk)
      await SERVICES.get(name)?.serve(channel, { ...this.#forServices(), link }, { signal })
    } catch (error) {
      stream.destroy()
      throw error
    }
  }

  #openService(service: string, stream: Duplex): ByteChannel {
    return this.faults.attachTo(openChannel(stream), { service, stream })
  }

  #forLockdown(): LockdownPhone {
    return {
      values: this.values,
      condition: this.condition,
      pairings: this.pairings,
      ports: this.#ports,
      services: SERVICES,
      servicesUseTls: this.traits.has('service-tls'),
      openChannel: (stream) => this.#openService(LOCKDOWN, stream),
      onNews: (news) => this.events.tell(news),
    }
  }

  #forServices(): Omit<ServicePhone, 'link'> {
    const { udid, identity, contents, clock, condition, traits, faults, values, media, crashReports, power, agent } =
      this
    return {
      ...{ identity, contents, clock, condition, traits, values, media, crashReports, power },
      notifications: this.#notifications,
      logLines: this.#logLines,
      log: (line) => this.log(line),
      backup: {
        ...{ udid, contents, clock, condition, traits, faults, agent, lockdown: values },
        post: (name) => this.post(name),
        onBackedUp: () => this.events.tell({ kind: 'backed-up' }),
        onErase: () => this.events.tell({ kind: 'erased' }),
        restoreApplications: () => readRestoreApplications(media),
        onRestart: () => this.restart(),
      },
    }
  }

  #follow(change: ConditionChange): void {
    for (const name of notificationsOf(change)) this.post(name)
    const news = conditionNews(change, this.values)
    if (news !== undefined) this.log(news)
    this.#otherProgram.follow(change.now)
  }

  #postChange({ domain, key }: ValueChange): void {
    if (domain === '' && key === 'DeviceName') this.post('com.apple.mobile.lockdown.device_name_changed')
    if (domain === 'com.apple.mobile.backup') this.post('com.apple.mobile.backup.domain_changed')
    if (domain === 'com.apple.mobile.backup' && key === 'CloudBackupEnabled') {
      this.log(conditionLine(this.condition.state, this.values))
    }
    if (domain === 'com.apple.disk_usage') this.post('com.apple.mobile.lockdown.disk_usage_changed')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(wireClosed(`The virtual phone ${this.udid} was switched off`))
    await Promise.allSettled(this.#running)
    await this.contents[Symbol.asyncDispose]()
  }
}

/** Posted when the person taps Trust. */
const REQUEST_PAIR = 'com.apple.mobile.lockdown.request_pair'

function splitName(name: string): [domain: string, key: string] {
  const colon = name.indexOf(':')
  return [name.slice(0, colon), name.slice(colon + 1)]
}
