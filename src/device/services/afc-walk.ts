import type { WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import type { Afc, AfcStat } from './afc.ts'

export interface WalkOptions extends WaitOptions {
  /** More files and folders end the walk with `wire.bad-frame`. */
  readonly entriesMax: number
  /** Folders that lie deeper are told, and not entered. */
  readonly depthMax: number
}

export interface WalkEntry extends AfcStat {
  readonly path: string
  /** Where in the folder: the names that lead there. */
  readonly names: readonly string[]
}

/**
 * Everything in a folder and the folders in it, a folder before what it holds. Links are not followed; what vanishes meanwhile
 * is left out. One folder's names are in memory for each level. The root is `''`, or a path without a slash at its end.
 */
export async function* walkFolder(
  afc: Afc,
  root: string,
  { entriesMax, depthMax, signal }: WalkOptions,
): AsyncGenerator<WalkEntry> {
  const pathOf = (names: readonly string[]) => `${root}/${names.join('/')}`
  let entries = 0
  async function* walk(names: readonly string[]): AsyncGenerator<WalkEntry> {
    for (const name of (await afc.list(pathOf(names), { signal })) ?? []) {
      if (++entries > entriesMax) throw badFrame(`The phone listed more than ${entriesMax} files`)
      const inside = [...names, name]
      const stat = await afc.stat(pathOf(inside), { signal })
      if (stat === undefined) continue
      yield { ...stat, path: pathOf(inside), names: inside }
      if (stat.kind === 'folder' && inside.length < depthMax) yield* walk(inside)
    }
  }
  yield* walk([])
}
