import { join } from 'node:path'
import { isAppError, isSystemError } from '../../base/errors.ts'
import { type Notebook, noteRun, openNotebook } from '../../doctor/index.ts'
import type { Context } from '../context.ts'

/** What the doctor remembers of phones. */
export function notebookOf({ environment }: Context): Notebook {
  return openNotebook(join(environment.stateFolder, 'doctor'))
}

/** Makes a backup of a phone, and notes for the doctor how that ended. */
export async function notingItsEnd<Result>(
  udid: string,
  context: Context,
  run: () => Promise<Result>,
): Promise<Result> {
  try {
    const result = await run()
    await noteEnd(udid, context, undefined)
    return result
  } catch (error) {
    if (isAppError(error)) await noteEnd(udid, context, error.code)
    throw error
  }
}

/** What cannot be noted is no reason to fail. */
async function noteEnd(udid: string, context: Context, failure: string | undefined): Promise<void> {
  const run = { atMs: context.clock.nowMs(), ...(failure !== undefined && { failure }) }
  await notebookOf(context)
    .change(udid, (notes) => noteRun(notes, run))
    .catch((error: unknown) => {
      if (!isSystemError(error)) throw error
    })
}
