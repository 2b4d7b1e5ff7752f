import { join } from 'node:path'
import { isAppError, isSystemError } from '../../base/errors.ts'
import { type Notebook, noteRun, openNotebook } from '../../doctor/index.ts'
import type { Context } from '../context.ts'

/** What the doctor remembers of phones. */
export function notebookOf({ environment }: Context): Notebook {
  return openNotebook(join(environment.stateFolder, 'doctor'))
}

interface NotedWishes {
  readonly udid: string
  readonly allowanceBytes: number | undefined
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

/** The most room that the last run might take: one that the doctor makes keeps to it. Undefined where there was no limit. */
export async function lastAllowance(udid: string, context: Context): Promise<number | undefined> {
  const { runs } = await notebookOf(context).read(udid)
  return runs.at(-1)?.allowanceBytes
}

/** What cannot be noted is no reason to fail. */
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
  await notebookOf(context)
    .change(udid, (notes) => noteRun(notes, run))
    .catch((error: unknown) => {
      if (!isSystemError(error)) throw error
    })
}
