import type { Clock } from '../../base/clock.ts'
import { isSystemError } from '../../base/errors.ts'
import type { Phone } from '../../device/index.ts'
import type { Facts, Management, NewestIos, Reading, Readings } from '../engine.ts'
import { type FeedOptions, readFeeds } from '../feeds/feeds.ts'
import type { Notebook } from '../notes/notebook.ts'
import { NO_NOTES, noteBoot, noteSample, type PhoneNotes } from '../notes/notes.ts'
import type { OnLook } from './look.ts'
import { factsOfNotes, sampleOf, withDraining, withSwitchedOn } from './notes-facts.ts'
import { type Gathered, gatherPhone } from './phone.ts'
import { gatherRepository, type RepositoryOptions } from './repository.ts'

/** Everything the doctor looks at. */
export interface Sources {
  /** The phone that is meant, whether it can be reached or not; undefined where nobody knows. */
  readonly udid: string | undefined
  /** `not-found`: it was looked for. `not-meant`: there is only a person to ask. */
  readonly phone: Phone | 'not-found' | 'not-meant'
  /** The code of what keeps us from reaching it, such as `device.no-usbmuxd`. */
  readonly obstacle?: string | undefined
  readonly feeds: Pick<FeedOptions, 'addresses' | 'appleRoot' | 'cacheFolder'>
  /** Undefined where none is set up. */
  readonly repository: Pick<RepositoryOptions, 'open' | 'backupPassword' | 'tempFolder'> | undefined
  readonly notebook: Notebook
  readonly clock: Clock
  readonly onLook?: OnLook | undefined
  readonly signal: AbortSignal
}

export interface DoctorsLook {
  readonly facts: Facts
  /** What was tried before, the oldest first. */
  readonly trials: PhoneNotes['trials']
  /** The newest system for a model, where only the person can tell which it is. */
  newestIos(model: string): Reading<NewestIos>
}

/** Looks at phone, feeds, repository and notes at once, and notes how the phone was found. Throws only abort. */
export async function lookAt(sources: Sources): Promise<DoctorsLook> {
  const { udid, phone, feeds, repository, notebook, clock, onLook, signal } = sources
  const common = { clock, onLook, signal }
  const notes = udid === undefined ? NO_NOTES : await readNotes(notebook, udid)
  const [{ readings: seen, bootSession }, { readings: fromApple, newestIos }, own] = await Promise.all([
    typeof phone === 'string' ? withoutPhone(sources, phone) : gatherPhone(phone, common),
    readFeeds({ ...feeds, ...common }),
    repository === undefined || udid === undefined
      ? {}
      : gatherRepository({ ...repository, ...common, udid, allowanceBytes: notes.runs.at(-1)?.allowanceBytes }),
  ])
  const nowMs = clock.nowMs()
  const noted = factsOfNotes({ notes, bootSession, now: seen, nowMs })
  const model = seen.model?.kind === 'known' ? seen.model.value : undefined
  const readings = {
    ...orNoted({ ...seen, ...fromApple, ...own }, noted),
    ...(model !== undefined && { newestIos: newestIos(model) }),
    ...(seen.power && { power: withDraining(seen.power, notes.samples) }),
    ...passwordFact(seen),
    ...managementFact(seen, notes),
    ...withSwitchedOn(own, notes.trials),
  }
  if (udid !== undefined) await noteLook(notebook, udid, { readings: seen, bootSession }, nowMs)
  return { facts: { nowMs, readings }, trials: notes.trials, newestIos }
}

/** Without notes there is no hindsight, and a diagnosis all the same. */
async function readNotes(notebook: Notebook, udid: string): Promise<PhoneNotes> {
  return (await notebook.read(udid).catch(unlessRefused)) ?? NO_NOTES
}

function unlessRefused(error: unknown): undefined {
  if (!isSystemError(error)) throw error
}

const NOT_ASKED = { kind: 'unread', why: 'not-asked' } as const

function withoutPhone({ clock, obstacle }: Sources, phone: 'not-found' | 'not-meant'): Gathered {
  const from = { source: 'this-computer', atMs: clock.nowMs() } as const
  const readings: Readings = {
    ...(phone === 'not-found' && { reach: { kind: 'absent', ...from } }),
    ...(obstacle !== undefined && { obstacle: { kind: 'known', value: obstacle, ...from } }),
  }
  return { readings, bootSession: NOT_ASKED }
}

/** What is noted stands in where nothing could be read now. */
function orNoted(now: Readings, noted: Readings): Readings {
  const read = new Map(Object.entries(now).filter(([, reading]) => reading.kind !== 'unread'))
  return { ...now, ...Object.fromEntries(Object.entries(noted).filter(([name]) => !read.has(name))) }
}

/** A phone without a backup password has none to be known. */
function passwordFact({ isEncrypted }: Readings): Readings {
  if (isEncrypted?.kind !== 'known' || isEncrypted.value) return {}
  const { source, atMs } = isEncrypted
  return { knowsPassword: { kind: 'absent', source, atMs } }
}

/** That a phone refused iCloud Backup for its management holds until it is seen to be on. */
function managementFact({ management, cloudSwitch }: Readings, { cloudForbiddenMs }: PhoneNotes): Readings {
  const isOn = cloudSwitch?.kind === 'known' && cloudSwitch.value
  if (cloudForbiddenMs === undefined || isOn) return {}
  const told: Management = management?.kind === 'known' ? management.value : { isSupervised: false, profiles: 0 }
  const value = { ...told, forbidsCloud: true }
  return { management: { kind: 'known', value, source: 'notes', atMs: cloudForbiddenMs } }
}

/** One that let nobody in was still seen. */
async function noteLook(
  notebook: Notebook,
  udid: string,
  { readings, bootSession }: Gathered,
  atMs: number,
): Promise<void> {
  const sample = sampleOf(readings, atMs)
  const noteAll = (notes: PhoneNotes) => {
    const sampled = noteSample(notes, sample)
    return bootSession.kind === 'known' ? noteBoot(sampled, { id: bootSession.value, atMs }) : sampled
  }
  await notebook.change(udid, noteAll).catch(unlessRefused)
}
