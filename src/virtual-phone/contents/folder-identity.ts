import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BackupManifest, parseManifest } from '../../backup-set/index.ts'
import { isAppError, isSystemError } from '../../base/errors.ts'
import { arrayOf, bytesOf, dictOf, type Plist, type PlistDict, parsePlist, textOf } from '../../plist/index.ts'
import type { PhoneApp, PhoneIdentity } from './entry.ts'

export interface FolderIdentity {
  readonly identity: PhoneIdentity
  readonly apps: readonly Omit<PhoneApp, 'dynamicBytes'>[]
  readonly isEncrypted: boolean
  readonly notes: readonly string[]
}

/** What Manifest.plist and Info.plist of a backup tell of its phone; one that is missing or broken is noted and tells nothing. */
export async function readFolderIdentity(backup: string): Promise<FolderIdentity> {
  const notes: string[] = []
  const manifest = await parseIfPossible(join(backup, 'Manifest.plist'), parseManifest, notes)
  const info = dictOf(await parseIfPossible(join(backup, 'Info.plist'), parsePlist, notes))
  return {
    identity: identityOf(manifest, info),
    apps: appsOf(manifest, info),
    isEncrypted: manifest?.isEncrypted ?? false,
    notes,
  }
}

async function parseIfPossible<Value>(
  path: string,
  parse: (bytes: Uint8Array) => Value,
  notes: string[],
): Promise<Value | undefined> {
  try {
    return parse(await readFile(path))
  } catch (error) {
    if (!isAppError(error) && !isSystemError(error)) throw error
    notes.push(`${path} cannot be read: ${error.message}`)
    return undefined
  }
}

function identityOf(manifest: BackupManifest | undefined, info: PlistDict | undefined): PhoneIdentity {
  const found = {
    udid: manifest?.udid ?? textOf(info?.['Target Identifier']),
    deviceName: manifest?.deviceName ?? textOf(info?.['Device Name']),
    productType: manifest?.productType ?? textOf(info?.['Product Type']),
    productVersion: manifest?.productVersion ?? textOf(info?.['Product Version']),
    buildVersion: manifest?.buildVersion ?? textOf(info?.['Build Version']),
    serialNumber: manifest?.serialNumber ?? textOf(info?.['Serial Number']),
  }
  return Object.fromEntries(Object.entries(found).filter(([, text]) => text !== undefined))
}

function appsOf(manifest: BackupManifest | undefined, info: PlistDict | undefined): FolderIdentity['apps'] {
  const installed = new Set((arrayOf(info?.['Installed Applications']) ?? []).map(textOf))
  const store = dictOf(info?.Applications)
  const apps = [...(manifest?.applications ?? [])].filter(([, { containerClass = DATA }]) => containerClass === DATA)
  return apps.map(([bundleId, { bundleVersion, bundlePath }]) => ({
    bundleId,
    name: storeName(store?.[bundleId]) ?? bundleName(bundlePath) ?? bundleId.slice(bundleId.lastIndexOf('.') + 1),
    version: bundleVersion ?? '1.0',
    category: bundlePath !== undefined || installed.has(bundleId) ? 'User' : 'System',
    staticBytes: 0,
  }))
}

const DATA = 'Data/Application'

/** `iTunesMetadata` is a property list inside the property list. */
function storeName(app: Plist | undefined): string | undefined {
  const metadata = bytesOf(dictOf(app)?.iTunesMetadata)
  if (metadata === undefined) return undefined
  try {
    return textOf(dictOf(parsePlist(metadata))?.itemName)
  } catch (error) {
    if (isAppError(error)) return undefined
    throw error
  }
}

function bundleName(path: string | undefined): string | undefined {
  return path === undefined ? undefined : /([^/]+)\.app\/?$/.exec(path)?.[1]
}
