import { type AppError, isAppError } from '../../base/errors.ts'
import { pathOf } from '../backend/backend.ts'
import { damaged, snapshotAbsent, snapshotAmbiguous } from '../errors.ts'
import { goJson } from '../format/go-json.ts'
import { type Id, shortId } from '../format/id.ts'
import { type Fields, fieldsOf, parseJson } from '../format/json.ts'
import type { Repository } from '../repository.ts'
import { isIncomplete } from './incomplete.ts'

/** How a snapshot came to be, with restic's field names (restic 0.17 and later write and show it). */
export interface SnapshotSummary {
  /** RFC 3339. */
  readonly backup_start: string
  readonly backup_end: string
  readonly files_new: number
  readonly files_changed: number
  readonly files_unmodified: number
  readonly dirs_new: number
  readonly dirs_changed: number
  readonly dirs_unmodified: number
  readonly data_blobs: number
  readonly tree_blobs: number
  /** Plain bytes of new blobs. */
  readonly data_added: number
  /** The same blobs as they are stored. */
  readonly data_added_packed: number
  readonly total_files_processed: number
  readonly total_bytes_processed: number
}

/** A snapshot file, with restic's field names. `forget` groups by host and paths: keep both the same for a phone. */
export interface SnapshotFields {
  /** RFC 3339, as `goTime` writes it. */
  readonly time: string
  readonly parent?: Id | undefined
  readonly tree: Id
  readonly paths: readonly string[]
  readonly hostname?: string | undefined
  readonly username?: string | undefined
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  readonly excludes?: readonly string[] | undefined
  readonly tags?: readonly string[] | undefined
  readonly original?: Id | undefined
  readonly program_version?: string | undefined
  readonly summary?: SnapshotSummary | undefined
}

/** A stored snapshot. */
export interface Snapshot extends SnapshotFields {
  readonly id: Id
}

interface SignalOption {
  readonly signal: AbortSignal
}

/** Stores a snapshot, durably. Everything its tree needs must be durable before: call `writer.flush` first. */
export async function saveSnapshot(
  repository: Repository,
  fields: SnapshotFields,
  { signal }: SignalOption,
): Promise<Snapshot> {
  const id = await repository.saveUnpacked('snapshot', goJson(inOrder(fields)), { signal })
  return { ...fields, id }
}

export interface ListOptions extends SignalOption {
  /** Told of every snapshot file that is damaged; the others are listed all the same. Without it, one of them is an error. */
  readonly onDamaged?: ((error: AppError) => void) | undefined
}

/** All snapshots, oldest first. Throws `repo.damaged`, if nobody wants to be told of that. */
export async function listSnapshots(
  repository: Repository,
  { signal, onDamaged }: ListOptions,
): Promise<readonly Snapshot[]> {
  const snapshots: Snapshot[] = []
  for await (const { id } of repository.backend.list('snapshot', { signal })) {
    try {
      const snapshot = await loadSnapshot(repository, id, { signal })
      if (snapshot !== undefined) snapshots.push(snapshot)
    } catch (error) {
      if (onDamaged === undefined || !isAppError(error, 'repo.damaged')) throw error
      onDamaged(error)
    }
  }
  return snapshots.sort(byTime)
}

/** Undefined if there is no such snapshot file. Throws `repo.damaged`. */
export async function loadSnapshot(
  repository: Repository,
  id: Id,
  { signal }: SignalOption,
): Promise<Snapshot | undefined> {
  const text = await repository.loadUnpacked('snapshot', id, { signal })
  return text === undefined ? undefined : decodeSnapshot(id, text)
}

/**
 * The snapshot whose id begins so, or the newest complete one for `latest` (of that host, if one is named).
 * Throws `repo.snapshot-absent` and `repo.snapshot-ambiguous`.
 */
export async function findSnapshot(
  repository: Repository,
  wanted: string,
  { signal, host, onDamaged }: ListOptions & { readonly host?: string | undefined },
): Promise<Snapshot> {
  const ofHost = (snapshot: Snapshot) => host === undefined || snapshot.hostname === host
  if (wanted === 'latest') {
    const newest = (await listSnapshots(repository, { signal, onDamaged })).findLast(
      (snapshot) => ofHost(snapshot) && !isIncomplete(snapshot),
    )
    if (newest === undefined) throw snapshotAbsent(wanted, host)
    return newest
  }
  const id = await findSnapshotId(repository, wanted, { signal })
  const snapshot = await loadSnapshot(repository, id, { signal })
  if (snapshot === undefined || !ofHost(snapshot)) throw snapshotAbsent(wanted, host)
  return snapshot
}

async function findSnapshotId(repository: Repository, prefix: string, { signal }: SignalOption): Promise<Id> {
  let found: Id | undefined
  for await (const { id } of repository.backend.list('snapshot', { signal })) {
    if (!id.startsWith(prefix)) continue
    if (found !== undefined) throw snapshotAmbiguous(prefix)
    found = id
  }
  if (found === undefined || prefix === '') throw snapshotAbsent(prefix)
  return found
}

/** The snapshot as `restic snapshots --json` shows it. */
export function snapshotToJson(snapshot: Snapshot): object {
  return { ...inOrder(snapshot), id: snapshot.id, short_id: shortId(snapshot.id) }
}

/** Orders snapshots, the oldest first. */
export function byTime(left: Snapshot, right: Snapshot): number {
  return Temporal.Instant.compare(Temporal.Instant.from(left.time), Temporal.Instant.from(right.time))
}

/** The fields in restic's order; empty ones are left out, as Go's `omitempty` does. */
function inOrder(snapshot: SnapshotFields): object {
  return {
    time: snapshot.time,
    parent: snapshot.parent,
    tree: snapshot.tree,
    paths: snapshot.paths,
    hostname: snapshot.hostname || undefined,
    username: snapshot.username || undefined,
    uid: snapshot.uid || undefined,
    gid: snapshot.gid || undefined,
    excludes: snapshot.excludes?.length ? snapshot.excludes : undefined,
    tags: snapshot.tags?.length ? snapshot.tags : undefined,
    original: snapshot.original,
    program_version: snapshot.program_version || undefined,
    summary: snapshot.summary,
  }
}

/** Throws `repo.damaged`. */
export function decodeSnapshot(id: Id, text: string): Snapshot {
  const what = pathOf({ kind: 'snapshot', id })
  const fields = fieldsOf(parseJson(text, what), what)
  return {
    id,
    time: timeField(fields, 'time', what),
    parent: fields.optional('parent', (from) => from.id('parent')),
    tree: fields.id('tree'),
    paths: fields.optional('paths', (from) => from.texts('paths')) ?? [],
    hostname: fields.optional('hostname', (from) => from.text('hostname')),
    username: fields.optional('username', (from) => from.text('username')),
    uid: fields.optional('uid', (from) => from.count('uid')),
    gid: fields.optional('gid', (from) => from.count('gid')),
    excludes: fields.optional('excludes', (from) => from.texts('excludes')),
    tags: fields.optional('tags', (from) => from.texts('tags')),
    original: fields.optional('original', (from) => from.id('original')),
    program_version: fields.optional('program_version', (from) => from.text('program_version')),
    summary: fields.optional('summary', (from) => decodeSummary(from.object('summary'), what)),
  }
}

function decodeSummary(fields: Fields, what: string): SnapshotSummary {
  return {
    backup_start: timeField(fields, 'backup_start', what),
    backup_end: timeField(fields, 'backup_end', what),
    files_new: fields.count('files_new'),
    files_changed: fields.count('files_changed'),
    files_unmodified: fields.count('files_unmodified'),
    dirs_new: fields.count('dirs_new'),
    dirs_changed: fields.count('dirs_changed'),
    dirs_unmodified: fields.count('dirs_unmodified'),
    data_blobs: fields.count('data_blobs'),
    tree_blobs: fields.count('tree_blobs'),
    data_added: fields.count('data_added'),
    data_added_packed: fields.count('data_added_packed'),
    total_files_processed: fields.count('total_files_processed'),
    total_bytes_processed: fields.count('total_bytes_processed'),
  }
}

function timeField(fields: Fields, name: string, what: string): string {
  const time = fields.text(name)
  try {
    Temporal.Instant.from(time)
    return time
  } catch (cause) {
    throw damaged(what, `its ${name} is no time`, cause)
  }
}
