import { resolve } from 'node:path'
import type { Command } from 'commander'
import { makeFolder } from '../../base/folders.ts'
import {
  type Backend,
  type HurtFile,
  type Id,
  needsIndexRepair,
  openLocalBackend,
  performIndexRepair,
  performPackRepair,
  performSnapshotRepair,
  planIndexRepair,
  planPackRepair,
  planSnapshotRepair,
  type Repository,
  type RepositoryLock,
  shortId,
} from '../../repository/index.ts'
import { pathLine } from '../check-words.ts'
import { type Context, printResult } from '../context.ts'
import { badUsage } from '../errors.ts'
import { JSON_OUTPUT } from '../options.ts'
import {
  indexPlanLines,
  packPlanLines,
  packReportLines,
  snapshotPlanLines,
  snapshotReportLines,
} from '../repair-words.ts'
import { lockForCommand, openNamedRepository, type RepositoryOptions, withRepositoryOptions } from '../repositories.ts'
import { openProgress, type Progress } from '../terminal.ts'
import { countOf, formatSize } from '../words.ts'

interface RepairOptions extends RepositoryOptions {
  readonly dryRun?: boolean
  /** A folder of this machine. */
  readonly quarantine?: string
  readonly json?: boolean
}

interface SnapshotRepairOptions extends RepairOptions {
  readonly forget?: boolean
}

/** `phonekeep repair`: what to do about what `phonekeep check` has found. Every part plans first, and loses nothing that is left. */
export function addRepair(program: Command, context: Context): void {
  const repair = program.command('repair').description('mend what a check has found')
  withRepairOptions(repair.command('packs'))
    .description('save what is left in damaged packs, and move them into quarantine')
    .argument('[packs...]', 'the beginnings of their ids; all packs are read if none is named')
    .action((packs, options) => repairPacks(packs, options, context))
  withRepairOptions(repair.command('index'))
    .description('make the index fit the packs')
    .action((options) => repairIndex(options, context))
  withRepairOptions(repair.command('snapshots'))
    .description('make snapshots without what is lost')
    .option('--forget', 'remove the snapshots that were repaired, and those that nothing is left of')
    .action((options) => repairSnapshots(options, context))
}

function withRepairOptions(command: Command): Command {
  return withRepositoryOptions(command)
    .option('-n, --dry-run', 'only say what would be done')
    .option('--quarantine <folder>', 'put damaged files there, instead of into the repository')
    .option(...JSON_OUTPUT)
}

/** What each part works with. */
interface Repair {
  readonly repository: Repository
  readonly lock: RepositoryLock
  readonly signal: AbortSignal
  readonly place: Backend | undefined
  readonly progress: Progress
}

/** A dry run gets along with others; anything else needs the repository for itself. */
async function underLock(options: RepairOptions, context: Context, work: (repair: Repair) => Promise<void>) {
  const mode = options.dryRun ? 'shared' : 'exclusive'
  await using lock = await lockForCommand(await openNamedRepository(options, context), mode, context)
  const place = options.quarantine === undefined ? undefined : await openQuarantine(options.quarantine)
  const progress = openProgress(context.terminal, context.clock)
  await work({ repository: lock.repository, lock, signal: lock.signal, place, progress })
}

async function openQuarantine(folder: string): Promise<Backend> {
  await makeFolder(folder)
  return openLocalBackend(resolve(folder))
}

async function repairIndex(options: RepairOptions, context: Context): Promise<void> {
  await underLock(options, context, async (repair) => {
    const { repository, signal, progress } = repair
    let headers = 0
    const onHeader = () => progress.show({ doing: 'reading headers', amount: countOf(++headers, 'pack') })
    const plan = await planIndexRepair(repository, { signal, onHeader })
    const isDone = !options.dryRun && needsIndexRepair(plan)
    if (isDone) await performIndexRepair(repository, plan, repair)
    const lines = () => [...indexPlanLines(plan), ...(isDone ? ['The index fits the packs again.'] : [])]
    printResult(context, { json: options.json, result: { ...plan, done: isDone }, lines })
  })
}

async function repairPacks(named: readonly string[], options: RepairOptions, context: Context): Promise<void> {
  await underLock(options, context, async (repair) => {
    const { repository, signal, progress } = repair
    const packs = named.length === 0 ? undefined : await findPacks(repository, named, signal)
    const onProgress = ({ bytesRead, bytes }: { bytesRead: number; bytes: number }) =>
      progress.show({ doing: 'reading packs', amount: formatSize(bytesRead), fraction: bytesRead / bytes })
    const plan = await planPackRepair(repository, { packs, signal, onProgress })
    const report = options.dryRun
      ? undefined
      : await performPackRepair(repository, plan, { ...repair, clock: context.clock })
    printResult(context, {
      json: options.json,
      result: { damaged: plan.damaged, packsRead: plan.packsRead, ...report, done: report !== undefined },
      lines: () => [...packPlanLines(plan), ...(report === undefined ? [] : packReportLines(report))],
    })
  })
}

/** The packs whose ids begin so. Throws `cli.usage` unless each is exactly one. */
async function findPacks(repository: Repository, named: readonly string[], signal: AbortSignal): Promise<Id[]> {
  const all = await Array.fromAsync(repository.backend.list('pack', { signal }), ({ id }) => id)
  return named.map((beginning) => {
    const [id, ...others] = all.filter((each) => each.startsWith(beginning.toLowerCase()))
    if (id !== undefined && others.length === 0) return id
    const saw = id === undefined ? 'No pack has' : `${others.length + 1} packs have`
    throw badUsage(`${saw} an id that begins with "${beginning}"`, 'Name packs as `phonekeep check` does')
  })
}

async function repairSnapshots(options: SnapshotRepairOptions, context: Context): Promise<void> {
  await underLock(options, context, async (repair) => {
    const { repository, signal, progress } = repair
    const { terminal, clock } = context
    let trees = 0
    const onTree = () => progress.show({ doing: 'reading trees', amount: countOf(++trees, 'tree') })
    const onLeftOut = (hurt: HurtFile) => {
      if (options.json) terminal.out(JSON.stringify({ message_type: 'left-out', ...hurt }))
      else terminal.out(`${shortId(hurt.snapshot)}:${pathLine(hurt)}`)
    }
    const plan = await planSnapshotRepair(repository, { signal, onLeftOut, onTree })
    const forget = options.forget ?? false
    const report = options.dryRun
      ? undefined
      : await performSnapshotRepair(repository, plan, { ...repair, clock, forget })
    printResult(context, {
      json: options.json,
      result: { message_type: 'summary', ...plan, ...report, done: report !== undefined },
      lines: () => [...snapshotPlanLines(plan), ...(report === undefined ? [] : snapshotReportLines(report))],
    })
  })
}
