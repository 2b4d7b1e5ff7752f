import type { Command } from 'commander'
import {
  assertEachKeepsOne,
  type ForgetGroup,
  type Grouping,
  type Id,
  isEmptyFilter,
  isEmptyPolicy,
  type KeepCounters,
  type KeepPolicy,
  listSnapshots,
  passesFilter,
  planForget,
  type Repository,
  type RepositoryLock,
  removeSnapshots,
  type Snapshot,
  type SnapshotFilter,
  shortId,
  snapshotToJson,
} from '../../repository/index.ts'
import { type Context, printResult } from '../context.ts'
import { badUsage } from '../errors.ts'
import { type KeepOptions, parseGroupBy, policyOf, withKeepOptions } from '../keep-options.ts'
import { JSON_OUTPUT } from '../options.ts'
import { limitsOf, type PruneOptions, pruneLines, pruneUnder, withPruneOptions } from '../prune-words.ts'
import { lockForCommand, openNamedRepository, type RepositoryOptions, withRepositoryOptions } from '../repositories.ts'
import { chooseSnapshots, type FilterOptions, filterOf, withFilterOptions } from '../snapshot-choice.ts'
import { table } from '../terminal.ts'
import { countOf, formatTime, plainText } from '../words.ts'

export function addForget(program: Command, context: Context): void {
  const command = program
    .command('forget')
    .description('remove old snapshots by rules, or some by name; their room is freed by "prune"')
    .argument('[snapshots...]', 'the beginnings of their IDs; then no rules are used')
    .option('-n, --dry-run', 'only say what would be removed, and why the rest stays')
    .option('--unsafe-allow-remove-all', 'even if a phone is left without any backup')
    .option(...JSON_OUTPUT)
    .action((ids, options) => forget(ids, options, context))
  withKeepOptions(command.optionsGroup('What to keep:'))
  withFilterOptions(command.optionsGroup('Which snapshots to look at:')).option(
    '-g, --group-by <what>',
    'use the rules apart for each of: host, paths, tags',
    'host,paths',
  )
  command.optionsGroup('Freeing the room:').option('--prune', 'prune at once, if anything was removed')
  withPruneOptions(command)
  withRepositoryOptions(command.optionsGroup('Repository:'))
}

interface ForgetOptions extends RepositoryOptions, KeepOptions, FilterOptions, PruneOptions {
  readonly groupBy: string
  readonly dryRun?: boolean
  readonly unsafeAllowRemoveAll?: boolean
  readonly prune?: boolean
  readonly json?: boolean
}

/** `phonekeep forget`: removes snapshots by rules, in restic's sense, or those that were named. */
async function forget(ids: readonly string[], options: ForgetOptions, context: Context): Promise<void> {
  const wish = wishOf(ids, options)
  if (wish === undefined) return tellNoRule(options, context)
  const { dryRun = false, prune = false, unsafeAllowRemoveAll: allowRemoveAll = false } = options
  const limits = limitsOf(options)
  const mode = dryRun && !prune ? 'shared' : 'exclusive'
  const named = await openNamedRepository(options, context, { cached: prune })
  await using lock = await lockForCommand(named, mode, context)
  const { repository } = lock
  const groups = await groupsOf(repository, wish, context)
  const remove = groups.flatMap((group) => group.remove)
  const gone = new Set(remove.map(({ id }) => id))
  if (!allowRemoveAll) await assertOneStays(lock, gone)
  if (!dryRun) await removeSnapshots(repository, remove, { lock, signal: lock.signal })
  tell(groups, options, context)
  if (!prune || remove.length === 0) return
  const without = dryRun ? gone : undefined
  const summary = await pruneUnder(lock, { limits, dryRun, without, allowRemoveAll }, context)
  printResult(context, {
    json: options.json,
    result: { dryRun, ...summary },
    lines: () => pruneLines(summary, { dryRun }),
  })
}

/** What is to be removed: what was named, or what no rule keeps. */
type Wish =
  | { readonly ids: readonly string[]; readonly filter: SnapshotFilter }
  | { readonly policy: KeepPolicy; readonly groupBy: readonly Grouping[]; readonly filter: SnapshotFilter }

/** Undefined when nothing was asked for: without any rule everything stays. */
function wishOf(ids: readonly string[], options: ForgetOptions): Wish | undefined {
  const policy = policyOf(options)
  const filter = filterOf(options)
  const isEmpty = isEmptyPolicy(policy)
  if (ids.length > 0) {
    if (isEmpty) return { ids, filter }
    throw badUsage('Snapshots were named, and rules were given', 'Give one or the other')
  }
  const groupBy = parseGroupBy(options.groupBy)
  if (!isEmpty) return { policy, groupBy, filter }
  if (!options.unsafeAllowRemoveAll) return undefined
  if (!isEmptyFilter(filter)) return { policy, groupBy, filter }
  throw badUsage('All snapshots of everybody would be removed', 'Say which with --host, --tag or --path')
}

function tellNoRule({ json }: ForgetOptions, context: Context): void {
  printResult(context, {
    json,
    result: [],
    lines: () => ['No rule was given that keeps snapshots, so all of them stay.'],
  })
}

async function groupsOf(repository: Repository, wish: Wish, context: Context): Promise<readonly ForgetGroup[]> {
  if ('ids' in wish) {
    const remove = await chooseSnapshots(repository, wish, context)
    return [{ host: '', paths: undefined, tags: undefined, keep: [], remove }]
  }
  const snapshots = await listSnapshots(repository, context)
  return planForget(
    snapshots.filter((snapshot) => passesFilter(snapshot, wish.filter)),
    { ...wish, nowMs: context.clock.nowMs(), timeZone: Temporal.Now.timeZoneId() },
  )
}

async function assertOneStays({ repository, signal }: RepositoryLock, gone: ReadonlySet<Id>): Promise<void> {
  assertEachKeepsOne(await listSnapshots(repository, { signal }), gone)
}

function tell(groups: readonly ForgetGroup[], { json, dryRun = false }: ForgetOptions, context: Context): void {
  printResult(context, {
    json,
    result: groups.map(groupToJson),
    lines: () =>
      groups.length === 0 ? ['There is no such snapshot.'] : groups.flatMap((group) => linesOf(group, dryRun)),
  })
}

/** As `restic forget --json` shows a group. */
function groupToJson({ tags, host, paths, keep, remove }: ForgetGroup): object {
  return {
    tags: tags ?? null,
    host,
    paths: paths ?? null,
    keep: keep.map(({ snapshot }) => snapshotToJson(snapshot)),
    remove: remove.map(snapshotToJson),
    reasons: keep.map(({ snapshot, reasons, counters }) => {
      return { snapshot: snapshotToJson(snapshot), matches: reasons, counters: countersToJson(counters) }
    }),
  }
}

/** restic leaves out zero, and writes -1 for what has no limit. */
function countersToJson(counters: KeepCounters): object {
  const left = Object.entries(counters).filter(([, count]) => count !== 0)
  return Object.fromEntries(left.map(([name, count]) => [name, Number.isFinite(count) ? count : -1]))
}

function linesOf({ host, paths, tags, keep, remove }: ForgetGroup, dryRun: boolean): readonly string[] {
  const named = [host, paths?.join(', ') ?? '', tags === undefined ? '' : `tags ${tags.join(', ')}`]
  const name = named.filter((part) => part !== '').join(' ')
  const of = name === '' ? '' : ` of ${plainText(name)}`
  const kept = keep.map(({ snapshot, reasons }) => [...cellsOf(snapshot), reasons.join(', ')])
  const removed = remove.map(cellsOf)
  return [
    ...(keep.length === 0 ? [] : [`Kept: ${countOf(keep.length, 'snapshot')}${of}`]),
    ...(keep.length === 0 ? [] : table([['ID', 'Time', 'Host', 'Tags', 'Why'], ...kept])),
    ...(remove.length === 0
      ? []
      : [`${dryRun ? 'To be removed' : 'Removed'}: ${countOf(remove.length, 'snapshot')}${of}`]),
    ...(remove.length === 0 ? [] : table([['ID', 'Time', 'Host', 'Tags'], ...removed])),
  ]
}

function cellsOf({ id, time, hostname = '', tags = [] }: Snapshot): readonly string[] {
  return [shortId(id), formatTime(time), hostname, tags.join(', ')]
}
