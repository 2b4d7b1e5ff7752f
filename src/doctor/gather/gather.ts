import type { Clock } from '../../base/clock.ts'
import { isSystemError } from '../../base/errors.ts'
import type { Phone } from '../../device/index.ts'
import type { Facts, Management, Readings } from '../engine.ts'
import { type FeedOptions, readFeeds } from '../feeds/feeds.ts'
import type { Notebook } from '../notes/notebook.ts'
import { NO_NOTES, noteBoot, noteSample, type PhoneNotes } from '../notes/notes.ts'
import type { OnLook } from './look.ts'
import { factsOfNotes, sampleOf, withDraining } from './notes-facts.ts'
import { type Gathered, gatherPhone } from './phone.ts'
import { gatherRepository, type RepositoryOptions } from './repository.ts'

/** Everything the doctor looks at. What is left out is not asked. */
export interface Sources {
  /** The phone that is meant, whether it can be reached or not. */
  readonly udid: string | undefined
  readonly phone: Phone | undefined
  /** The code of what keeps us from reaching any phone, such as `device.no-usbmuxd`. */
  readonly obstacle?: string | undefined
  readonly feeds: Pick<FeedOptions, 'addresses' | 'cacheFolder'>
  readonly repository: Pick<RepositoryOptions, 'open' | 'backupPassword' | 'tempFolder'> | undefined
  readonly notebook: Notebook
  readonly clock: Clock
  readonly onLook?: OnLook | undefined
  readonly signal: AbortSignal
}

/** Looks at phone, feeds, repository and notes at once, and notes how the phone was found. Throws only abort. */
export async function gatherFacts(sources: Sources): Promise<Facts> {
  const { udid, phone, feeds, repository, notebook, clock, onLook, signal } = sources
  const common = { clock, onLook, signal }
  const notes = udid === undefined ? NO_NOTES : await readNotes(notebook, udid)
  const [gathered, apple, own] = await Promise.all([
    phone === undefined ? undefined : gatherPhone(phone, common),
    readFeeds({ ...feeds, ...common }),
    repository === undefined || udid === undefined ? {} : gatherRepository({ ...repository, ...common, udid }),
  ])
  const nowMs = clock.nowMs()
  const { readings: seen, bootSession } = gathered ?? unreachable(sources, nowMs)
  const noted = factsOfNotes({ notes, bootSession, now: seen, nowMs })
  const model = seen.model ?? NOT_ASKED
  const readings = {
    ...orNoted({ ...seen, ...apple.readings, ...own }, noted),
    newestIos: model.kind === 'known' ? apple.newestIos(model.value) : NOT_ASKED,
    ...(seen.power && { power: withDraining(seen.power, notes.samples) }),
    ...passwordFact(seen),
    ...managementFact(seen, notes),
  }
  if (udid !== undefined) await noteLook(notebook, udid, { readings: seen, bootSession }, nowMs)
  return { nowMs, readings }
}

/** Without notes there is no hindsight, and a diagnosis all the same. */
async function readNotes(notebook: Notebook, udid: string): Promise<PhoneNotes> {
  return (await notebook.read(udid).catch(unlessRefused)) ?? NO_NOTES
}

function unlessRefused(error: unknown): undefined {
  if (!isSystemError(error)) throw error
}

const NOT_ASKED = { kind: 'unread', why: 'not-asked' } as const

/** It was looked for, and not found. */
function unreachable({ obstacle }: Sources, nowMs: number): Gathered {
  const from = { source: 'this-computer', atMs: nowMs } as const
  const readings: Readings = {
    reach: { kind: 'absent', ...from },
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
