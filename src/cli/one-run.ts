import { join } from 'node:path'
import type { PhoneIdentity } from '../device/index.ts'
import {
  openVerifiedPacks,
  type ReadBackReport,
  type Repository,
  shortId,
  type VerifiedPacks,
} from '../repository/index.ts'
import { type BackUpOptions, backUp, notAsStored, type RunResult } from '../run/index.ts'
import type { Context } from './context.ts'
import { notingHowFound, notingItsEnd } from './doctor/run-notes.ts'
import { meetPhone, nameOf } from './phones.ts'
import { lockOwner } from './repositories.ts'
import { narrate } from './run-words.ts'
import { openProgress } from './terminal.ts'
import { countOf, formatDuration, formatSize, plainText } from './words.ts'

export interface OneRun {
  readonly identity: PhoneIdentity
  readonly result: RunResult
}

export interface RunWishes {
  readonly udid: string | undefined
  readonly allowanceBytes: number | undefined
  /** How much of what is stored is read back at the end; 0 for nothing. */
  readonly readBackBytes: number
  readonly writing?: BackUpOptions['writing']
}

/** Backs up the phone with that UDID, or the only one there is, and tells how it goes; pairs first if that is needed. */
export async function backUpOne(
  repository: Repository,
  { udid, allowanceBytes, readBackBytes, writing }: RunWishes,
  context: Context,
): Promise<OneRun> {
  const { clock, environment, signal, terminal } = context
  const { phone, identity, name } = await notingHowFound(udid, context, () => meetPhone(udid, context))
  const run = async () =>
    await backUp({
      phone,
      identity,
      repository,
      owner: await lockOwner(context),
      clock,
      resumeFolder: join(environment.stateFolder, 'resume'),
      allowanceBytes,
      writing,
      readBack:
        readBackBytes === 0 ? undefined : { bytesMax: readBackBytes, verified: verifiedPacks(repository, context) },
      onEvent: narrate(openProgress(terminal, clock), name),
      signal,
    })
  const result = await notingItsEnd({ udid: phone.udid, allowanceBytes }, context, run)
  return { identity, result }
}

/** The same record that `phonekeep check` keeps. */
function verifiedPacks({ id }: Repository, { environment }: Context): VerifiedPacks {
  return openVerifiedPacks(join(environment.stateFolder, 'verified'), { repositoryId: id })
}

/** Throws `run.not-as-stored` when what was read back is not what was stored: then nobody may call the run a success. */
export function assertReadBack({ result: { readBack, snapshot } }: OneRun): void {
  if (readBack !== undefined && readBack.damaged.length > 0) throw notAsStored(snapshot.id, readBack)
}

/** The line that scripts rely on. */
export function runToJson({ identity, result }: OneRun): object {
  const { snapshot, files, bytes, sentBytes, storedBytes, elapsedMs, readBack } = result
  const seconds = Math.round(elapsedMs) / 1000
  return { snapshot: snapshot.id, udid: identity.udid, files, bytes, sentBytes, storedBytes, seconds, readBack }
}

export function runLines({ identity, result }: OneRun): readonly string[] {
  const { snapshot, files, bytes, sentBytes, storedBytes, elapsedMs, readBack } = result
  const isSound = readBack === undefined || readBack.damaged.length === 0
  return [
    isSound
      ? `${nameOf(identity)} is backed up: snapshot ${shortId(snapshot.id)}.`
      : `${nameOf(identity)} was stored as snapshot ${shortId(snapshot.id)}, but NOT ALL OF IT READS BACK.`,
    `  in the backup    ${countOf(files, 'file')}, ${formatSize(bytes)}`,
    `  sent by phone    ${formatSize(sentBytes)}`,
    `  newly stored     ${formatSize(storedBytes)}`,
    ...(readBack === undefined ? [] : [`  read back        ${readBackWords(readBack)}`]),
    `  time             ${formatDuration(elapsedMs)}`,
    ...(readBack?.damaged ?? []).map(({ id, sentence }) => `DAMAGED: pack ${shortId(id)}: ${sentence}`),
  ]
}

function readBackWords({ packs, bytes, damaged, failure }: ReadBackReport): string {
  const amount = `${countOf(packs, 'pack')}, ${formatSize(bytes)}`
  if (damaged.length > 0) return `${amount}: ${countOf(damaged.length, 'pack')} damaged`
  return failure === undefined ? `${amount}: sound` : `${amount}: sound; then the store failed (${plainText(failure)})`
}
