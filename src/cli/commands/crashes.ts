import { rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { type AppError, isAppError, isSystemError } from '../../base/errors.ts'
import { makeFolder, namingPath } from '../../base/folders.ts'
import { type Afc, type CrashReport, listCrashReports, openCrashReports, whileAwake } from '../../device/index.ts'
import { type Context, printResult, warner } from '../context.ts'
import { JSON_OUTPUT, UDID } from '../options.ts'
import { meetPhone } from '../phones.ts'
import { openProgress, table } from '../terminal.ts'
import { countOf, formatSize, formatTime } from '../words.ts'

export function addCrashes(program: Command, context: Context): void {
  program
    .command('crashes')
    .description('list the crash reports of a phone')
    .argument(...UDID)
    .option('--save <folder>', 'copy them there; nothing is removed from the phone')
    .option(...JSON_OUTPUT)
    .action((udid, options) => crashes(udid, options, context))
}

export interface CrashesOptions {
  readonly save?: string
  readonly json?: boolean
}

/** `phonekeep crashes`: the reports that a phone wrote when something crashed, the newest first; with `--save`, copies of them. */
async function crashes(udid: string | undefined, options: CrashesOptions, context: Context): Promise<void> {
  const { phone } = await meetPhone(udid, context)
  const { reports, saved } = await whileAwake(phone, context, async (signal) => {
    await using afc = await openCrashReports(phone, { signal })
    const found = await Array.fromAsync(listCrashReports(afc, { signal }))
    const reports = found.toSorted((left, right) => right.modifiedMs - left.modifiedMs)
    if (options.save === undefined) return { reports }
    return { reports, saved: await saveAll(reports, { afc, folder: options.save }, { ...context, signal }) }
  })
  printResult(context, {
    json: options.json,
    result: reports.map((report) => ({ ...rowOf(report), ...(saved && { saved: saved.files.get(report) ?? null }) })),
    lines: () => linesOf(reports, saved, options.save),
  })
  if (saved?.failure !== undefined) throw saved.failure
}

interface Saved {
  /** Where each is now; in the folder before or not. */
  readonly files: ReadonlyMap<CrashReport, string>
  /** Why the first of those that are missing is missing. */
  readonly failure: AppError | undefined
}

/** A report that the phone does not give is told and gone on from; one that is there already is not read again. */
async function saveAll(
  reports: readonly CrashReport[],
  { afc, folder }: { readonly afc: Afc; readonly folder: string },
  context: Context,
): Promise<Saved> {
  await makeFolder(folder)
  const progress = openProgress(context.terminal, context.clock)
  const files = new Map<CrashReport, string>()
  const nameFor = namer()
  let failure: AppError | undefined
  for (const report of reports) {
    const file = join(folder, nameFor(report))
    progress.show({ doing: 'saving', amount: countOf(files.size, 'report'), fraction: files.size / reports.length })
    try {
      if (!(await isSaved(report, file))) await save(report, { afc, file, signal: context.signal })
      files.set(report, file)
    } catch (error) {
      if (!isAppError(error, 'device.file-refused')) throw error
      warner(context)(error)
      failure ??= error
    }
  }
  return { files, failure }
}

/**
 * One flat name for each report: a phone's names are never paths here. What two reports share is told apart by a number.
 */
function namer(): (report: CrashReport) => string {
  const taken = new Map<string, number>()
  return ({ names }) => {
    const flat = names
      .join('_')
      .replaceAll(/[^A-Za-z0-9 ._+-]/g, '_')
      .slice(-NAME_LENGTH_MAX)
      .replace(/^[.\s-]/, '_')
    const count = (taken.get(flat) ?? 0) + 1
    taken.set(flat, count)
    return count === 1 ? flat : `${count}-${flat}`
  }
}

const NAME_LENGTH_MAX = 200

async function isSaved({ sizeBytes }: CrashReport, file: string): Promise<boolean> {
  try {
    return (await stat(file)).size === sizeBytes
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return false
    throw error
  }
}

/** Whole or not at all, with the phone's time; for this user only, since reports tell much. */
async function save(
  { path, modifiedMs }: CrashReport,
  { afc, file, signal }: { readonly afc: Afc; readonly file: string; readonly signal: AbortSignal },
): Promise<void> {
  const draft = `${file}.part`
  try {
    await namingPath(file, () => writeFile(draft, afc.readStream(path, { signal }), { mode: 0o600 }))
    await utimes(draft, modifiedMs / 1000, modifiedMs / 1000)
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

function rowOf({ names, sizeBytes, modifiedMs }: CrashReport) {
  return { name: names.join('/'), bytes: sizeBytes, time: timeOf(modifiedMs) }
}

function linesOf(reports: readonly CrashReport[], saved: Saved | undefined, folder = ''): readonly string[] {
  if (reports.length === 0) return ['The phone has no crash reports.']
  const rows = reports
    .map(rowOf)
    .map(({ name, bytes, time }) => [time === null ? '–' : formatTime(time), formatSize(bytes), name])
  return [
    ...table([['Time', 'Size', 'Report'], ...rows]),
    ...(saved === undefined ? [] : [`${countOf(saved.files.size, 'report')} in ${folder}.`]),
  ]
}

/** Null for times that no calendar has. */
function timeOf(ms: number): string | null {
  const time = new Date(ms)
  return Number.isNaN(time.getTime()) ? null : time.toISOString()
}
