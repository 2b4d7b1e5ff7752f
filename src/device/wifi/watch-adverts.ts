import { isDeepStrictEqual } from 'node:util'
import type { WaitOptions } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import type { AppError } from '../../base/errors.ts'
import type { Advert } from './adverts.ts'
import { Adverts } from './adverts.ts'
import { MdnsListener } from './mdns.ts'
import { SERVICE } from './mdns-records.ts'
import type { WifiPlace } from './wifi-place.ts'

export type AdvertEvent =
  /** New, or changed since it was told. */
  | { readonly kind: 'here'; readonly advert: Advert }
  | { readonly kind: 'gone'; readonly name: string }
  /** Why nothing can be heard, or not everything. */
  | { readonly kind: 'problem'; readonly problem: AppError }

export interface WatchOptions extends WaitOptions {
  readonly clock: Clock
  /** Ends by itself after so long; left out: goes on until the signal fires. */
  readonly ms?: number
}

/** Soon and often at first, since packets get lost; later just often enough to notice who has left. */
const ASK_AGAIN_MS_FIRST = 1000
const ASK_AGAIN_MS_MAX = 60_000
/** What comes within so long is looked at together, so that a flood costs little. */
const GATHER_MS = 50

/**
 * Adverts of phones as they come, change and go. A port that cannot be had is an event, not a failure. Bounded, whatever is
 * sent. Aborting rejects with the signal's reason; the sockets are closed in any case.
 */
export async function* watchAdverts(
  place: WifiPlace,
  { clock, ms, signal }: WatchOptions,
): AsyncGenerator<AdvertEvent> {
  const adverts = new Adverts()
  const told = new Map<string, Advert>()
  const problems: AppError[] = []
  const bell = doorbell()
  await using listener = new MdnsListener(place, {
    onRecords: (records, sender) => {
      adverts.take(records, sender, clock.elapsedMs())
      bell.ring()
    },
    onProblem: (problem) => {
      problems.push(problem)
      bell.ring()
    },
  })

  const endMs = ms === undefined ? Number.POSITIVE_INFINITY : clock.elapsedMs() + ms
  let pauseMs = ASK_AGAIN_MS_FIRST
  let askMs = clock.elapsedMs()
  for (;;) {
    const nowMs = clock.elapsedMs()
    for (const problem of problems.splice(0)) yield { kind: 'problem', problem }
    adverts.expire(nowMs)
    yield* changes(told, adverts.complete(nowMs))
    if (nowMs >= endMs) return
    if (nowMs >= askMs) {
      listener.ask([{ name: SERVICE, type: 'PTR' }, ...adverts.missing(nowMs)])
      askMs = nowMs + pauseMs
      pauseMs = Math.min(2 * pauseMs, ASK_AGAIN_MS_MAX)
    }
    const wakeMs = Math.min(askMs, endMs, adverts.nextEndMs() ?? askMs)
    await bell.wait(wakeMs - clock.elapsedMs(), { clock, signal })
  }
}

/** What was heard within so many milliseconds. */
export async function browseAdverts(
  place: WifiPlace,
  { ms, clock, signal }: WatchOptions & { readonly ms: number },
): Promise<{ readonly adverts: readonly Advert[]; readonly problems: readonly AppError[] }> {
  const adverts = new Map<string, Advert>()
  const problems: AppError[] = []
  for await (const event of watchAdverts(place, { ms, clock, signal })) {
    if (event.kind === 'here') adverts.set(event.advert.name, event.advert)
    else if (event.kind === 'gone') adverts.delete(event.name)
    else problems.push(event.problem)
  }
  return { adverts: [...adverts.values()], problems }
}

function* changes(told: Map<string, Advert>, now: readonly Advert[]): Generator<AdvertEvent> {
  const names = new Set(now.map(({ name }) => name))
  for (const name of told.keys()) {
    if (names.has(name)) continue
    told.delete(name)
    yield { kind: 'gone', name }
  }
  for (const advert of now) {
    if (isDeepStrictEqual(told.get(advert.name), advert)) continue
    told.set(advert.name, advert)
    yield { kind: 'here', advert }
  }
}

/** Something to wait at until it rings or time is up; a ring while nobody waits is kept. */
function doorbell() {
  let rung = new AbortController()
  return {
    ring: () => rung.abort(),
    async wait(ms: number, { clock, signal }: WaitOptions & { readonly clock: Clock }): Promise<void> {
      try {
        await clock.sleep(Math.max(0, ms), { signal: AbortSignal.any([signal, rung.signal]) })
      } catch (error) {
        signal.throwIfAborted()
        if (!rung.signal.aborted) throw error
        await clock.sleep(GATHER_MS, { signal })
        rung = new AbortController()
      }
    },
  }
}
