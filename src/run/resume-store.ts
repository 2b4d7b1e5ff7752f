import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isSystemError } from '../base/errors.ts'
import { replaceFile } from '../base/replace-file.ts'
import { type Id, parseId } from '../repository/index.ts'

/** What an interrupted run left to go on from: the tree as the phone last saw it, made on top of a snapshot. */
export interface Checkpoint {
  /** Undefined when the phone has refused to go on from what there was: then the run begins from the snapshot. */
  readonly tree: Id | undefined
  /** The phone's newest snapshot when the run began; undefined on a first backup. A checkpoint on another base is stale. */
  readonly baseSnapshot: Id | undefined
}

/** Remembers one checkpoint for each phone and repository, in a folder of this machine. A lost one costs time, never data. */
export interface ResumeStore {
  read(): Promise<Checkpoint | undefined>
  /** Durable when it resolves; whole or not at all. */
  write(checkpoint: Checkpoint): Promise<void>
  remove(): Promise<void>
}

export function openResumeStore(folder: string, name: { repositoryId: string; udid: string }): ResumeStore {
  const file = join(folder, `${name.repositoryId.slice(0, 16)}-${name.udid}.json`)
  return {
    async read() {
      try {
        return parseCheckpoint(await readFile(file, 'utf8'))
      } catch (error) {
        if (isSystemError(error, 'ENOENT')) return undefined
        throw error
      }
    },
    write: (checkpoint) => replaceFile(file, JSON.stringify({ ...checkpoint, tree: checkpoint.tree ?? null })),
    remove: () => rm(file, { force: true }),
  }
}

/** Undefined when the text is not a checkpoint: then the run simply starts from the last snapshot. */
function parseCheckpoint(text: string): Checkpoint | undefined {
  try {
    const { tree, baseSnapshot } = JSON.parse(text) as Partial<Record<keyof Checkpoint, unknown>>
    const id = parseId(tree)
    const base = parseId(baseSnapshot)
    const isRight = (id !== undefined || tree === null) && (base === undefined) === (baseSnapshot === undefined)
    return isRight ? { tree: id, baseSnapshot: base } : undefined
  } catch {
    return undefined
  }
}
