import { type AppError, isAppError } from '../base/errors.ts'
import { type Id, type Repository, type Snapshot, type SnapshotFields, saveSnapshot } from '../repository/index.ts'

interface SignalOption {
  readonly signal: AbortSignal
}

/**
 * The snapshot that keeps what an interrupted run has sent, so that no prune takes it: there is one for a phone at a time. Where
 * nothing may be removed there is none, for nobody could remove what it protects either.
 */
export interface IncompleteSnapshot {
  /** Puts a newer one in the place of those before; the old ones go after, so that there is no moment without. */
  replace(fields: SnapshotFields, options: SignalOption): Promise<void>
  /** Removes it, and what runs before have left. What cannot be removed stays for a later run. */
  remove(options: SignalOption): Promise<void>
}

/** `left`: those of earlier runs. `onLeft` is told when one cannot be removed; then there will be no more of them. */
export function openIncompleteSnapshot(
  repository: Repository,
  { left, onLeft }: { left: readonly Snapshot[]; onLeft: (error: AppError) => void },
): IncompleteSnapshot {
  const ids = new Set(left.map(({ id }) => id))
  let mayRemove: boolean | undefined

  const removeAllBut = async (kept: Id | undefined, options: SignalOption) => {
    try {
      for (const id of ids) {
        if (id === kept) continue
        await repository.backend.remove({ kind: 'snapshot', id }, options)
        ids.delete(id)
      }
    } catch (error) {
      if (!isAppError(error)) throw error
      mayRemove = false
      if (!options.signal.aborted) onLeft(error)
    }
  }
  return {
    async replace(fields, options) {
      mayRemove ??= await canRemove(repository, options)
      if (mayRemove) await removeAllBut([...ids].at(-1), options)
      if (!mayRemove) return
      const { id } = await saveSnapshot(repository, fields, options)
      ids.add(id)
      await removeAllBut(id, options)
      options.signal.throwIfAborted()
    },
    remove: (options) => removeAllBut(undefined, options),
  }
}

/** Asks by removing a snapshot that is not there: a store that takes no orders to remove refuses that as well. */
async function canRemove(repository: Repository, options: SignalOption): Promise<boolean> {
  const { id } = repository.sealUnpacked('{}')
  try {
    await repository.backend.remove({ kind: 'snapshot', id }, options)
    return true
  } catch (error) {
    if (
      isAppError(error, 'repo.append-only') ||
      isAppError(error, 'repo.access-denied') ||
      isAppError(error, 'repo.unwritable')
    )
      return false
    throw error
  }
}
