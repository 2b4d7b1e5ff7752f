import { hash } from 'node:crypto'
import type { Place } from '../contents/entry.ts'
import { uuidOf } from '../uuid-of.ts'

/** The name of a file in a backup: SHA-1 of domain, dash and path as UTF-8, in lower-case hex. */
export function fileIdOf({ domain, relativePath }: Place): string {
  return hash('sha1', `${domain}-${relativePath}`)
}

/** The 256 names of the folders that files are spread over: the first two digits of their IDs. */
export const PREFIXES: readonly string[] = Array.from({ length: 256 }, (_, index) =>
  index.toString(16).padStart(2, '0'),
)

/** `ab/abcdef…` */
export function payloadPath(fileId: string): string {
  return `${fileId.slice(0, 2)}/${fileId}`
}

/** Where a file is on the phone itself; for the host it is only something to show. */
export function devicePathOf({ domain, relativePath }: Place): string {
  const [kind = '', name = ''] = splitOnce(domain, '-')
  const root = ROOTS[kind] ?? 'mobile'
  const container = name === '' ? '' : `/${uuidOf(name)}`
  return Buffer.from(`/.b/6/${root}${container}/${relativePath}`).subarray(0, 4_000).toString()
}

const ROOTS: Readonly<Record<string, string>> = {
  AppDomain: 'mobile/Containers/Data/Application',
  AppDomainGroup: 'mobile/Containers/Shared/AppGroup',
  AppDomainPlugin: 'mobile/Containers/Data/PluginKitPlugin',
  BooksDomain: 'mobile/Media/Books',
  DatabaseDomain: 'db',
  InstallDomain: 'installd',
  KeychainDomain: 'Keychains',
  ManagedPreferencesDomain: 'Managed Preferences',
  NetworkDomain: 'networkd',
  ProtectedDomain: 'protected',
  RootDomain: 'root',
  SysContainerDomain: 'containers/Data/System',
  SysSharedContainerDomain: 'containers/Shared/SystemGroup',
  SystemPreferencesDomain: 'preferences',
  WirelessDomain: 'wireless',
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
