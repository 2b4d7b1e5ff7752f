import type { WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import { randomBytes } from '../../base/random.ts'
import type { Plist, PlistDict } from '../../plist/index.ts'
import { bytesOf, encodeXmlPlist, textOf } from '../../plist/index.ts'
import { getValue, getValues } from '../lockdown/lockdown.ts'
import type { Phone } from '../phone.ts'
import { openSession } from '../phone.ts'
import type { Afc } from '../services/afc.ts'
import { browseApps, openInstallationProxy } from '../services/installation-proxy.ts'
import { openSpringboard, readIcon } from '../services/springboard.ts'
import type { GoWithout } from './go-without.ts'

/** What a phone says for its Info.plist. Parts the phone refused are empty. */
export interface InfoFacts {
  readonly udid: string
  readonly nowMs: number
  readonly values: PlistDict
  readonly itunesSettings: PlistDict
  readonly itunesVersion: string | undefined
  readonly apps: readonly AppFacts[]
  /** Contents of files in `/iTunes_Control/iTunes`, by name. */
  readonly itunesFiles: { readonly [name: string]: Uint8Array }
  readonly booksData: Uint8Array | undefined
}

export interface AppFacts {
  readonly bundleId: string
  readonly sinf: Uint8Array | undefined
  readonly metadata: Uint8Array | undefined
  readonly icon: Uint8Array | undefined
}

/** iTunes' version as hosts write it for phones that ask for none. */
const ITUNES_VERSION = '10.0.1'
/** Real ones are a few hundred KiB at most. */
const MEDIA_FILE_BYTES_MAX = 4 << 20
/** All icons together; real ones have some 10 KiB each. */
const ICONS_BYTES_MAX = 64 << 20
const ITUNES_FOLDER = '/iTunes_Control/iTunes'
const ITUNES_FILES = [
  'ApertureAlbumPrefs',
  'IC-Info.sidb',
  'IC-Info.sidv',
  'PhotosFolderAlbums',
  'PhotosFolderName',
  'PhotosFolderPrefs',
  'VoiceMemos.plist',
  'iPhotoAlbumPrefs',
  'iTunesApplicationIDs',
  'iTunesPrefs',
  'iTunesPrefs.plist',
]

/**
 * The Info.plist that the host writes into a backup, XML; restores and other programs read it.
 * Source: docs/protocol/mobilebackup2.md.
 */
export function encodeInfoPlist(facts: InfoFacts): Uint8Array {
  const { values, apps } = facts
  const purchased = apps.filter(isPurchased)
  return encodeXmlPlist({
    Applications: Object.fromEntries(purchased.map((app) => [app.bundleId, applicationEntry(app)])),
    ...copied(values, 'BuildVersion', 'Build Version'),
    ...copied(values, 'DeviceName', 'Device Name'),
    ...copied(values, 'DeviceName', 'Display Name'),
    GUID: Buffer.from(randomBytes(16)).toString('hex').toUpperCase(),
    ...copied(values, 'IntegratedCircuitCardIdentity', 'ICCID'),
    ...copied(values, 'InternationalMobileEquipmentIdentity', 'IMEI'),
    'Installed Applications': apps.map(({ bundleId }) => bundleId),
    'Last Backup Date': new Date(facts.nowMs),
    ...copied(values, 'MobileEquipmentIdentifier', 'MEID'),
    ...copied(values, 'PhoneNumber', 'Phone Number'),
    ...copied(values, 'ProductType', 'Product Type'),
    ...copied(values, 'ProductVersion', 'Product Version'),
    ...copied(values, 'SerialNumber', 'Serial Number'),
    'Target Identifier': facts.udid,
    'Target Type': 'Device',
    'Unique Identifier': facts.udid.toUpperCase(),
    ...(facts.booksData !== undefined && { 'iBooks Data 2': facts.booksData }),
    'iTunes Files': facts.itunesFiles,
    'iTunes Settings': facts.itunesSettings,
    'iTunes Version': facts.itunesVersion ?? ITUNES_VERSION,
  })
}

/** Asks the phone for everything that belongs into its Info.plist. Whatever it refuses is left out and told. */
export async function collectInfoFacts(
  phone: Phone,
  { afc, goWithout, signal }: WaitOptions & { readonly afc: Afc | undefined; readonly goWithout: GoWithout },
): Promise<InfoFacts> {
  const media = afc === undefined ? undefined : await readMedia(afc, { goWithout, signal })
  return {
    udid: phone.udid,
    nowMs: phone.clock.nowMs(),
    ...(await readValues(phone, { signal })),
    apps: (await goWithout('the list of apps', (signal) => readApps(phone, { goWithout, signal }), { signal })) ?? [],
    itunesFiles: media?.itunesFiles ?? {},
    booksData: media?.booksData,
  }
}

async function readValues(phone: Phone, { signal }: WaitOptions) {
  await using session = await openSession(phone, { signal })
  const version = { domain: 'com.apple.mobile.iTunes', key: 'MinITunesVersion' }
  return {
    values: await getValues(session.lockdown, {}, { signal }),
    itunesSettings: await getValues(session.lockdown, { domain: 'com.apple.iTunes' }, { signal }),
    itunesVersion: textOf(await getValue(session.lockdown, version, { signal })),
  }
}

async function readApps(
  phone: Phone,
  { goWithout, signal }: WaitOptions & { readonly goWithout: GoWithout },
): Promise<readonly AppFacts[]> {
  await using channel = await openInstallationProxy(phone, { signal })
  const attributes = ['CFBundleIdentifier', 'ApplicationSINF', 'iTunesMetadata']
  const found = await browseApps(channel, { type: 'User', attributes, signal })
  const apps = found.map(appOf).filter((app) => app !== undefined)
  const icons = await goWithout('the icons of apps', (signal) => readIcons(phone, apps, { signal }), { signal })
  return apps.map((app) => ({ ...app, icon: icons?.get(app.bundleId) }))
}

function appOf(app: PlistDict): AppFacts | undefined {
  const bundleId = textOf(app.CFBundleIdentifier)
  if (bundleId === undefined) return undefined
  return { bundleId, sinf: bytesOf(app.ApplicationSINF), metadata: bytesOf(app.iTunesMetadata), icon: undefined }
}

/** Only apps from the App Store are listed with an icon. */
async function readIcons(
  phone: Phone,
  apps: readonly AppFacts[],
  { signal }: WaitOptions,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const icons = new Map<string, Uint8Array>()
  const purchased = apps.filter(isPurchased)
  if (purchased.length === 0) return icons
  await using channel = await openSpringboard(phone, { signal })
  let bytesLeft = ICONS_BYTES_MAX
  for (const { bundleId } of purchased) {
    const icon = await readIcon(channel, bundleId, { signal })
    bytesLeft -= icon?.length ?? 0
    if (bytesLeft < 0) throw badFrame('The icons of the phone are too big')
    if (icon !== undefined) icons.set(bundleId, icon)
  }
  return icons
}

async function readMedia(afc: Afc, { goWithout, signal }: WaitOptions & { readonly goWithout: GoWithout }) {
  return goWithout(
    "iTunes' files",
    async (signal) => {
      const itunesFiles: { [name: string]: Uint8Array } = {}
      for (const name of ITUNES_FILES) {
        const content = await afc.readFile(`${ITUNES_FOLDER}/${name}`, { bytesMax: MEDIA_FILE_BYTES_MAX, signal })
        if (content !== undefined) itunesFiles[name] = content
      }
      const booksData = await afc.readFile('/Books/iBooksData2.plist', { bytesMax: MEDIA_FILE_BYTES_MAX, signal })
      return { itunesFiles, booksData }
    },
    { signal },
  )
}

/** With the receipts that the App Store gives, without which an app cannot be installed again. */
function isPurchased({ sinf, metadata }: AppFacts): boolean {
  return sinf !== undefined && metadata !== undefined
}

function applicationEntry({ sinf, metadata, icon }: AppFacts): PlistDict {
  return {
    ...(sinf !== undefined && { ApplicationSINF: sinf }),
    ...(metadata !== undefined && { iTunesMetadata: metadata }),
    ...(icon !== undefined && { PlaceholderIcon: icon }),
  }
}

function copied(values: PlistDict, from: string, to: string): { readonly [key: string]: Plist } {
  const value = values[from]
  return value === undefined ? {} : { [to]: value }
}
