import { join } from 'node:path'
import { isAppError, isSystemError } from '../../base/errors.ts'
import type { Phone } from '../../device/index.ts'
import { type Notebook, noteRun, noteSample, openNotebook, type Sample, samplePhone } from '../../doctor/index.ts'
import type { Context } from '../context.ts'
import { accessPhones, isSameUdid } from '../phones.ts'

/** What the doctor remembers of phones. */
export function notebookOf({ environment }: Context): Notebook {
  return openNotebook(join(environment.stateFolder, 'doctor'))
}

interface NotedWishes {
  readonly udid: string
  readonly allowanceBytes: number | undefined
}

/** Meets the phone that is to be backed up, and notes how it was found, or that it was looked for in vain. */
export async function notingHowFound<Met extends { readonly phone: Phone }>(
  udid: string | undefined,
  context: Context,
  meet: () => Promise<Met>,
): Promise<Met> {
  try {
    const met = await meet()
    await noteLook(met.phone.udid, await samplePhone(met.phone, context), context)
    return met
  } catch (error) {
    const missing = isAppError(error, 'cli.no-phone') ? await knownPhone(udid, context) : undefined
    if (missing !== undefined) await noteLook(missing, { atMs: context.clock.nowMs(), reach: 'none' }, context)
    throw error
  }
}

/** The phone that is meant, of those that have been here before. */
async function knownPhone(udid: string | undefined, context: Context): Promise<string | undefined> {
  const known = await accessPhones(context).store.list()
  const meant = known.filter((other) => udid === undefined || isSameUdid(other, udid))
  return meant.length === 1 ? meant[0] : undefined
}

/** Makes a backup of a phone, and notes for the doctor how that ended. */
export async function notingItsEnd<Result>(
  wishes: NotedWishes,
  context: Context,
  run: () => Promise<Result>,
): Promise<Result> {
  try {
    const result = await run()
    await noteEnd(wishes, context, undefined)
    return result
  } catch (error) {
    if (isAppError(error)) await noteEnd(wishes, context, error.code)
    throw error
  }
}

/** The most room that the last run might take: one that the doctor makes keeps to it. Undefined where no limit is known. */
export async function lastAllowance(udid: string, context: Context): Promise<number | undefined> {
  const notes = await notebookOf(context).read(udid).catch(unlessRefused)
  return notes?.runs.at(-1)?.allowanceBytes
}

/** How the phone was found, for the story of its nights. */
export async function noteLook(udid: string, sample: Sample, context: Context): Promise<void> {
  await note(udid, context, (notes) => noteSample(notes, sample))
}

async function noteEnd(
  { udid, allowanceBytes }: NotedWishes,
  context: Context,
  failure: string | undefined,
): Promise<void> {
  const run = {
    atMs: context.clock.nowMs(),
    ...(failure !== undefined && { failure }),
    ...(allowanceBytes !== undefined && { allowanceBytes }),
  }
  await note(udid, context, (notes) => noteRun(notes, run))
}

/** What cannot be noted is no reason to fail. */
async function note(udid: string, context: Context, change: Parameters<Notebook['change']>[1]): Promise<void> {
  await notebookOf(context).change(udid, change).catch(unlessRefused)
}

function unlessRefused(error: unknown): undefined {
  if (!isSystemError(error)) throw error
}
