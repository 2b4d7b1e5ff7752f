import type { Command } from 'commander'
import { type InstalledApp, installedApps, openInstallationProxy, whileAwake } from '../../device/index.ts'
import { type Context, printResult } from '../context.ts'
import { JSON_OUTPUT, UDID } from '../options.ts'
import { meetPhone } from '../phones.ts'
import { table } from '../terminal.ts'
import { countOf, formatSize } from '../words.ts'

export function addApps(program: Command, context: Context): void {
  program
    .command('apps')
    .description('list the apps of a phone, the largest first')
    .argument(...UDID)
    .option(...JSON_OUTPUT)
    .action((udid, options) => apps(udid, options, context))
}

/** `phonekeep apps`: the apps that somebody has installed, the largest first. */
async function apps(udid: string | undefined, { json }: { json?: boolean }, context: Context): Promise<void> {
  const { signal, terminal } = context
  const { phone } = await meetPhone(udid, context)
  const found = await whileAwake(phone, { signal }, async (signal) => {
    await using proxy = await openInstallationProxy(phone, { signal })
    terminal.err('The phone adds up what its apps take; that may need a minute.')
    return await Array.fromAsync(installedApps(proxy, { type: 'User', withSizes: true, signal }))
  })
  const sorted = found.toSorted((left, right) => sizeOf(right) - sizeOf(left))
  printResult(context, { json, result: sorted.map(rowOf), lines: () => linesOf(sorted) })
}

/** The app and what it keeps; what the phone does not tell counts as nothing. */
function sizeOf({ appBytes = 0, dataBytes = 0 }: InstalledApp): number {
  return appBytes + dataBytes
}

function rowOf({ bundleId, name, version, appBytes, dataBytes, sharesFiles }: InstalledApp) {
  return {
    id: bundleId,
    name: name ?? null,
    version: version ?? null,
    appBytes: appBytes ?? null,
    dataBytes: dataBytes ?? null,
    sharesFiles: sharesFiles ?? null,
  }
}

function linesOf(found: readonly InstalledApp[]): readonly string[] {
  if (found.length === 0) return ['No apps are installed but those that came with the phone.']
  const size = (bytes: number | undefined) => (bytes === undefined ? '–' : formatSize(bytes))
  const rows = found.map(({ bundleId, name, version, appBytes, dataBytes }) => [
    name ?? '–',
    bundleId,
    version ?? '–',
    size(appBytes),
    size(dataBytes),
  ])
  const bytes = found.reduce((sum, app) => sum + sizeOf(app), 0)
  return [
    ...table([['Name', 'ID', 'Version', 'App', 'Its data'], ...rows]),
    `${countOf(found.length, 'app')}, ${formatSize(bytes)}. A backup holds the data without what is cached, not the apps.`,
  ]
}
