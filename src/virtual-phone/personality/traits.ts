/** What iOS versions do differently, as far as a computer notices. */
export type Trait =
  | 'modern-tls'
  | 'service-tls'
  | 'device-link-400'
  | 'developer-mode'
  | 'passcode-for-backup'
  | 'passcode-for-password'
  | 'no-mobile-gestalt'
  | 'boot-session-id'
  | 'auth-tag'
  | 'nested-battery'

/** `recorded`: seen in a capture or dump. `source`: two clients agree, or issue threads do. `unsure`: nothing proves the version. */
export type Evidence = 'recorded' | 'source' | 'unsure'

interface TraitRow {
  readonly trait: Trait
  /** From this version on. */
  readonly since: string
  /** Also in older lines of iOS, each from that version of its line on: security updates bring some things back. */
  readonly alsoSince?: readonly string[]
  readonly means: string
  readonly evidence: Evidence
  /** A chapter of docs/protocol. */
  readonly source: string
}

/** The differences, oldest first. */
export const TRAITS: readonly TraitRow[] = [
  {
    trait: 'modern-tls',
    since: '10.0',
    means: 'sessions need TLS 1.2; before, libimobiledevice offers no more than TLS 1.0',
    evidence: 'recorded',
    source: 'lockdown.md#tls',
  },
  {
    trait: 'service-tls',
    since: '13.0',
    means: 'services have TLS of their own (EnableServiceSSL); before, the key is absent',
    evidence: 'recorded',
    source: 'lockdown.md#requests',
  },
  {
    trait: 'passcode-for-password',
    since: '13.0',
    means: 'the passcode is asked for before the backup password is set, changed or removed',
    evidence: 'source',
    source: 'mobilebackup2.md#the-backup-password',
  },
  {
    trait: 'device-link-400',
    since: '14.0',
    means: 'DeviceLink announces version 400; before, 300, which knows no purge of disk space',
    evidence: 'source',
    source: 'mobilebackup2.md#devicelink',
  },
  {
    trait: 'developer-mode',
    since: '16.0',
    means: 'lockdownd tells DeveloperModeStatus',
    evidence: 'source',
    source: 'lockdown.md#values',
  },
  {
    trait: 'passcode-for-backup',
    since: '16.1',
    alsoSince: ['15.7.1'],
    means: 'the passcode is asked for before every backup',
    evidence: 'source',
    source: 'mobilebackup2.md#the-passcode',
  },
  {
    trait: 'no-mobile-gestalt',
    since: '17.4',
    means: 'diagnostics_relay answers MobileGestaltDeprecated',
    evidence: 'source',
    source: 'small-services.md#diagnostics-relay',
  },
  {
    trait: 'boot-session-id',
    since: '18.0',
    means: 'lockdownd tells BootSessionID (in a dump of 18.4.1)',
    evidence: 'unsure',
    source: 'lockdown.md#values',
  },
  {
    trait: 'auth-tag',
    since: '26.4',
    means: 'the name on the network hides the Wi-Fi address; paired computers know the phone by its authTag',
    evidence: 'source',
    source: 'lockdown.md#versions',
  },
  {
    trait: 'nested-battery',
    since: '27.0',
    means: "the battery's capacities are told in BatteryData",
    evidence: 'recorded',
    source: 'small-services.md#diagnostics-relay',
  },
]

/** What a phone with that version of iOS does. */
export function traitsOf(productVersion: string): ReadonlySet<Trait> {
  const version = numbersOf(productVersion)
  const has = ({ since, alsoSince = [] }: TraitRow) =>
    isFrom(version, since) || alsoSince.some((first) => isFrom(version, first) && version[0] === numbersOf(first)[0])
  return new Set(TRAITS.filter(has).map(({ trait }) => trait))
}

type Version = readonly [major: number, minor: number, patch: number]

function numbersOf(version: string): Version {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  return [major, minor, patch]
}

function isFrom(version: Version, first: string): boolean {
  const least = numbersOf(first)
  const differing = version.findIndex((part, index) => part !== least[index])
  return differing === -1 || version[differing]! > least[differing]!
}
