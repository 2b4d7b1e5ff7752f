import assert from 'node:assert/strict'
import type { Clock } from '../../base/clock.ts'
import { type SeededRandom, seededRandom } from '../../base/random.ts'
import {
  type Entry,
  MODE_TYPE,
  type PhoneApp,
  PLAIN_FILE,
  PLAIN_FOLDER,
  PLAIN_LINK,
  type Place,
  type Traits,
} from './entry.ts'
import { sourceFor } from './file-types.ts'
import { PhoneContents } from './phone-contents.ts'
import { seededApps } from './seeded-apps.ts'
import { buildDatabase, DATABASES } from './seeded-databases.ts'
import { namePlace, ODD_PLACES } from './seeded-places.ts'
import { mixSizes } from './size-mix.ts'
import { literal } from './source.ts'

export interface SeededOptions {
  readonly seed: number
  /** Exactly that many regular files (at least 1), databases included. */
  readonly files: number
  /** Exactly that many bytes in them. */
  readonly bytes: number
  /** As in `17.5`; some databases look different in old versions. */
  readonly ios: string
  /** For the times of later edits; the made-up files' times do not depend on it. */
  readonly clock: Clock
}

/**
 * A made-up phone: the usual domains, photos, databases that open, settings, text, odd names, links and empty files. The same
 * options give the same phone, byte for byte. Few files or few bytes leave the databases out first.
 */
export function openSeededContents({ seed, files, bytes, ios, clock }: SeededOptions): PhoneContents {
  assert(files >= 1 && bytes >= 0, 'A phone has at least one file')
  const random = seededRandom(seed)
  const apps = seededApps({ files }, random)
  const contents = new PhoneContents({ identity: { productVersion: ios }, apps, clock })
  addRoots(contents, apps)
  addLinks(contents)
  addDatabases(contents, { files, bytes, iosMajor: Number.parseInt(ios, 10) }, random)
  const left = { files: files - contents.totals.files, bytes: bytes - contents.totals.bytes }
  addFiles(contents, { apps, sizes: mixSizes(left, random) }, random)
  return contents
}

/** 2026-01-10T08:00:00Z: nothing on a seeded phone is younger. */
const NEWEST_S = 1_768_032_000
const OLDEST_S = NEWEST_S - 4 * 365 * 86_400

const pickTime = (random: SeededRandom) => OLDEST_S + random.below(NEWEST_S - OLDEST_S)

/**
 * Domains that exist on every phone, without those that only an encrypted backup holds.
 * Source: docs/protocol/mobilebackup2.md#how-a-phone-is-filled
 */
const FIXED_DOMAINS = [
  'BooksDomain',
  'CameraRollDomain',
  'DatabaseDomain',
  'HomeDomain',
  'InstallDomain',
  'KeyboardDomain',
  'KeychainDomain',
  'ManagedPreferencesDomain',
  'MediaDomain',
  'MobileDeviceDomain',
  'NetworkDomain',
  'ProtectedDomain',
  'RootDomain',
  'SystemPreferencesDomain',
  'TonesDomain',
  'WirelessDomain',
  'SysContainerDomain-com.apple.geod',
  'SysSharedContainerDomain-systemgroup.com.apple.configurationprofiles',
]

function addRoots(contents: PhoneContents, apps: readonly Pick<PhoneApp, 'bundleId' | 'category'>[]): void {
  const own = apps.flatMap(({ bundleId, category }) => [
    `AppDomain-${bundleId}`,
    ...(category === 'User' ? [`AppDomainPlugin-${bundleId}.share`, `AppDomainGroup-group.${bundleId}`] : []),
  ])
  for (const domain of [...FIXED_DOMAINS, ...own]) {
    contents.put({ domain, relativePath: '', traits: rootTraits(domain), modifiedS: OLDEST_S, folder: true })
  }
}

function rootTraits(domain: string): Traits {
  const owner = OWNERS[domain]
  return owner === undefined ? PLAIN_FOLDER : { ...PLAIN_FOLDER, ...owner }
}

const OWNERS: Readonly<Record<string, Pick<Entry, 'userId' | 'groupId'>>> = {
  WirelessDomain: { userId: 25, groupId: 25 },
  KeychainDomain: { userId: 64, groupId: 64 },
  RootDomain: { userId: 0, groupId: 0 },
  DatabaseDomain: { userId: 0, groupId: 0 },
  NetworkDomain: { userId: -2, groupId: -2 },
}

function addLinks(contents: PhoneContents): void {
  const target = '/private/var/mobile/Containers/Data/Application/9F1C0A5E-0000-4000-8000-000000000001/Library'
  const links: readonly [Place, string][] = [
    [{ domain: 'HomeDomain', relativePath: 'Library/Fonts/current' }, target],
    [{ domain: 'AppDomain-com.example.tidepool', relativePath: 'Documents/latest' }, './chart 1.json'],
    [{ domain: 'MediaDomain', relativePath: 'Media/Recordings/Ümlaut → ✨' }, '../nowhere/at all'],
  ]
  for (const [place, to] of links) {
    contents.put({ ...place, traits: PLAIN_LINK, modifiedS: OLDEST_S + 1, target: to })
  }
}

/** Databases get at most a quarter of the bytes and an eighth of the files. */
function addDatabases(
  contents: PhoneContents,
  { files, bytes, iosMajor }: { files: number; bytes: number; iosMajor: number },
  random: SeededRandom,
): void {
  let bytesLeft = Math.floor(bytes / 4)
  for (const recipe of DATABASES.slice(0, Math.floor(files / 8))) {
    const rows = Math.min(4_000, Math.max(1, Math.floor(bytesLeft / 10 / ROW_BYTES)))
    const made = buildDatabase(recipe, { seed: random.below(2 ** 48), rows, iosMajor })
    if (made.length > bytesLeft) return
    bytesLeft -= made.length
    const traits = { ...PLAIN_FILE, mode: MODE_TYPE.file | 0o600 }
    contents.put({ ...recipe, traits, modifiedS: pickTime(random), source: literal(made), seed: 0, size: made.length })
  }
}

const ROW_BYTES = 300

function addFiles(
  contents: PhoneContents,
  { apps, sizes }: { apps: readonly Pick<PhoneApp, 'bundleId' | 'category'>[]; sizes: Float64Array },
  random: SeededRandom,
): void {
  const bundleIds = apps.map((app) => app.bundleId)
  const oddCount = sizes.length >= 4 * ODD_PLACES.length ? ODD_PLACES.length : 0
  for (const [index, size] of sizes.entries()) {
    const place = index < oddCount ? ODD_PLACES[index]! : namePlace({ index, size, bundleIds }, random)
    const seed = random.below(2 ** 48)
    const modifiedS = pickTime(random)
    const bornS = modifiedS - random.below(86_400)
    const traits = fileTraits(place)
    contents.put({ ...place, traits, modifiedS, bornS, source: sourceFor(place.relativePath), seed, size })
  }
}

const PRIVATE_FILE: Traits = { ...PLAIN_FILE, mode: MODE_TYPE.file | 0o600, protectionClass: 4 }
const OWNED_FILES = new Map(
  Object.entries(OWNERS).map(([domain, owner]) => [domain, { ...PRIVATE_FILE, ...owner }] as const),
)

function fileTraits({ domain, relativePath }: Place): Traits {
  return OWNED_FILES.get(domain) ?? (relativePath.endsWith('.plist') ? PRIVATE_FILE : PLAIN_FILE)
}
