import type { Backend } from '../backend/backend.ts'
import { storageFailed } from '../errors.ts'

/** What may go wrong: the call fails before it did anything, or it did everything and the answer is lost. */
export type FaultKind = 'before' | 'after'

/** A backend whose n-th call fails, counted from 1 over saves, loads, listings and removals. */
export interface FaultyBackend extends Backend {
  /** True once the fault has happened. A test whose fault never fires proves nothing. */
  readonly fired: boolean
}

/** Wraps a backend. The fault is an EIO. */
export function createFaultyBackend(
  inner: Backend,
  { failAt, kind }: { failAt: number; kind: FaultKind },
): FaultyBackend {
  let calls = 0
  const state = { fired: false }
  const fault = () => {
    state.fired = true
    return storageFailed(Object.assign(new Error('injected fault'), { code: 'EIO' }), {
      doing: 'write',
      what: 'anything',
    })
  }
  const call = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const mine = ++calls === failAt
    if (mine && kind === 'before') throw fault()
    const result = await work()
    if (mine) throw fault()
    return result
  }
  return {
    get fired() {
      return state.fired
    },
    location: inner.location,
    prepare: (options) => inner.prepare(options),
    save: (name, pieces, options) => call(() => inner.save(name, pieces, options)),
    load: (name, range, options) => call(() => inner.load(name, range, options)),
    list: async function* (kind, options) {
      yield* await call(() => Array.fromAsync(inner.list(kind, options)))
    },
    remove: (name, options) => call(() => inner.remove(name, options)),
    removeLeftovers: (beforeMs, options) => inner.removeLeftovers(beforeMs, options),
    freeBytes: (options) => inner.freeBytes(options),
  }
}
