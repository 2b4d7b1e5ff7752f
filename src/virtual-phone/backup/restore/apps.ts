import { dictOf, textOf } from '../../../plist/index.ts'
import type { PhoneApp } from '../../contents/index.ts'
import type { SourceBackup } from './source-backup.ts'

/**
 * The backup's apps that the phone has after the restore: those of iOS itself, and those that the host wants to be installed
 * again. Of the others there is only the data.
 */
export function appsOf(
  { properties }: SourceBackup,
  wanted: ReadonlySet<string>,
): readonly Omit<PhoneApp, 'dynamicBytes'>[] {
  return Object.entries(dictOf(properties.Applications) ?? {}).flatMap(([bundleId, value]) => {
    const app = dictOf(value) ?? {}
    const path = textOf(app.Path)
    const isApp = textOf(app.ContainerContentClass) === 'Data/Application'
    if (!isApp || (path !== undefined && !wanted.has(bundleId))) return []
    const name = /([^/]+)\.app\/?$/.exec(path ?? '')?.[1] ?? bundleId.slice(bundleId.lastIndexOf('.') + 1)
    const category = path === undefined ? 'System' : 'User'
    return [{ bundleId, name, version: textOf(app.CFBundleVersion) ?? '1.0', category, staticBytes: 0 } as const]
  })
}
