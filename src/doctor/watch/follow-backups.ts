import { Bell } from '../../base/bell.ts'
import type { WaitOptions } from '../../base/channel.ts'
import { listenToPhone, type Phone } from '../../device/index.ts'
import type { BackupNews, Reading, Readings } from '../engine.ts'
import { glanceAt } from '../gather/glance.ts'
import { sampleOf } from '../gather/notes-facts.ts'
import type { Sample } from '../notes/notes.ts'

export interface FollowOptions extends WaitOptions {
  /** What was known when it began: news is what has changed since. */
  readonly since: Readings
  readonly onNews: (news: BackupNews) => void
  /** How the phone was found, for the notes. */
  readonly onSample: (sample: Sample) => Promise<void>
}

/** A look counts for twice as long in the story of a night. */
const LOOK_AGAIN_MS = 10 * 60_000
/** A phone that says all the time that something has changed does not fill the notes. */
const NOTE_AGAIN_MS = LOOK_AGAIN_MS / 2

/**
 * Reads how the phone's backups stand whenever the phone says that something about them has changed, and every ten minutes all the
 * same, until it is aborted. Source: docs/protocol/doctor.md#backup-dates
 */
export async function followBackups(phone: Phone, options: FollowOptions): Promise<never> {
  const { since, onNews, onSample, signal } = options
  const bell = new Bell(phone.clock)
  await using _ears = await listenToPhone(phone, { onSettingsChanged: () => bell.ring(), signal })
  bell.ring()
  let state = stateOf(since)
  let noteAtMs = phone.clock.elapsedMs()
  for (;;) {
    await bell.wait(LOOK_AGAIN_MS, { signal })
    const readings = await glanceAt(phone, { signal })
    const now = stateOf(readings)
    const allNews = newsOf(state, now)
    for (const news of allNews) onNews(news)
    if (allNews.length > 0 || phone.clock.elapsedMs() >= noteAtMs) {
      noteAtMs = phone.clock.elapsedMs() + NOTE_AGAIN_MS
      await onSample(sampleOf(readings, phone.clock.nowMs()))
    }
    state = { isOn: now.isOn ?? state.isOn, lastMs: now.lastMs ?? state.lastMs }
  }
}

/** Undefined where it could not be read. */
interface State {
  readonly isOn: boolean | undefined
  readonly lastMs: number | undefined
}

function stateOf({ cloudSwitch, cloudLastMs }: Readings): State {
  return { isOn: toldOf(cloudSwitch, false), lastMs: toldOf(cloudLastMs, 0) }
}

function toldOf<Value>(reading: Reading<Value> | undefined, ifAbsent: Value): Value | undefined {
  if (reading === undefined || reading.kind === 'unread') return undefined
  return reading.kind === 'known' ? reading.value : ifAbsent
}

function newsOf(before: State, now: State): readonly BackupNews[] {
  const isSwitched = before.isOn !== undefined && now.isOn !== undefined && before.isOn !== now.isOn
  const isBackedUp = before.lastMs !== undefined && now.lastMs !== undefined && before.lastMs < now.lastMs
  return [
    ...(isSwitched ? [{ kind: now.isOn ? 'switched-on' : 'switched-off' } as const] : []),
    ...(isBackedUp ? [{ kind: 'backed-up' } as const] : []),
  ]
}
