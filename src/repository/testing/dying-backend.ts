import type { Backend } from '../backend/backend.ts'
import { storageFailed } from '../errors.ts'

/** A backend of a process that is killed: from its n-th call on nothing happens any more. */
export interface DyingBackend extends Backend {
  /** True once it is dead. A test whose process was never killed proves nothing. */
  readonly isDead: boolean
}

/** Wraps a backend. Calls count as in `createFaultyBackend`; the n-th one does not happen any more. */
export function createDyingBackend(inner: Backend, { dieAt }: { dieAt: number }): DyingBackend {
  let calls = 0
  let isDead = false
  const call = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    isDead ||= ++calls === dieAt
    if (!isDead) return await work()
    const killed = Object.assign(new Error('the process was killed'), { code: 'EIO' })
    throw storageFailed(killed, { doing: 'write', what: 'anything' })
  }
  return {
    get isDead() {
      return isDead
    },
    location: inner.location,
    prepare: (options) => call(() => inner.prepare(options)),
    save: (name, pieces, options) => call(() => inner.save(name, pieces, options)),
    load: (name, range, options) => call(() => inner.load(name, range, options)),
    list: async function* (kindOfFile, options) {
      yield* await call(() => Array.fromAsync(inner.list(kindOfFile, options)))
    },
    remove: (name, options) => call(() => inner.remove(name, options)),
    removeLeftovers: (beforeMs, options) => call(() => inner.removeLeftovers(beforeMs, options)),
    freeBytes: (options) => call(() => inner.freeBytes(options)),
  }
}
