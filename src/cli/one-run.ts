import { join } from 'node:path'
import type { PhoneIdentity } from '../device/index.ts'
import type { Repository } from '../repository/index.ts'
import { backUp, type RunResult } from '../run/index.ts'
import type { Context } from './context.ts'
import { meetPhone, nameOf } from './phones.ts'
import { lockOwner } from './repositories.ts'
import { narrate } from './run-words.ts'
import { openProgress } from './terminal.ts'
import { countOf, formatDuration, formatSize } from './words.ts'

export interface OneRun {
  readonly identity: PhoneIdentity
  readonly result: RunResult
}

/** Backs up the phone with that UDID, or the only one there is, and tells how it goes; pairs first if that is needed. */
export async function backUpOne(
  repository: Repository,
  { udid, allowanceBytes }: { udid: string | undefined; allowanceBytes: number | undefined },
  context: Context,
): Promise<OneRun> {
  const { clock, environment, signal, terminal } = context
  const { phone, identity, name } = await meetPhone(udid, context)
  const result = await backUp({
    phone,
    identity,
    repository,
    owner: await lockOwner(context),
    clock,
    resumeFolder: join(environment.stateFolder, 'resume'),
    allowanceBytes,
    onEvent: narrate(openProgress(terminal, clock), name),
    signal,
  })
  return { identity, result }
}

/** The line that scripts rely on. */
export function runToJson({ identity, result }: OneRun): object {
  const { snapshot, files, bytes, sentBytes, storedBytes, elapsedMs } = result
  const seconds = Math.round(elapsedMs) / 1000
  return { snapshot: snapshot.id, udid: identity.udid, files, bytes, sentBytes, storedBytes, seconds }
}

export function runLines({ identity, result }: OneRun): readonly string[] {
  const { snapshot, files, bytes, sentBytes, storedBytes, elapsedMs } = result
  return [
    `${nameOf(identity)} is backed up: snapshot ${snapshot.id.slice(0, 8)}.`,
    `  in the backup    ${countOf(files, 'file')}, ${formatSize(bytes)}`,
    `  sent by phone    ${formatSize(sentBytes)}`,
    `  newly stored     ${formatSize(storedBytes)}`,
    `  time             ${formatDuration(elapsedMs)}`,
  ]
}
