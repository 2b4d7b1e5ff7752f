import { compareIos } from '../../device/index.ts'
import type { NewestIos } from '../engine.ts'
import { listOf, objectOf, parseJson, textOf } from '../json.ts'
import { FeedFailure } from './fetch-document.ts'

/** One system that Apple gives out now, and the models it is for. */
export interface Release {
  readonly version: string
  readonly models: readonly string[]
  /** The last day, as `2027-02-20`. */
  readonly untilDay: string | undefined
}

/** What Apple gives out; iPads, watches and others are among it. Throws `FeedFailure`. Source: docs/protocol/doctor.md#newest-ios */
export function parseReleases(text: string): readonly Release[] {
  const sets = listOf(objectOf(objectOf(parseJson(text))?.PublicAssetSets)?.iOS)
  const releases = sets?.map(parseRelease).filter((release) => release !== undefined)
  if (releases === undefined || releases.length === 0) throw new FeedFailure('odd', 'no list of releases')
  return releases
}

function parseRelease(value: unknown): Release | undefined {
  const { ProductVersion, ExpirationDate, SupportedDevices } = objectOf(value) ?? {}
  const version = textOf(ProductVersion)
  const models = listOf(SupportedDevices)
    ?.map(textOf)
    .filter((model) => model !== undefined)
  if (version === undefined || !/^\d{1,3}(\.\d{1,3}){0,3}$/.test(version) || models === undefined) return undefined
  const untilDay = textOf(ExpirationDate)
  return { version, models, untilDay: /^\d{4}-\d\d-\d\d$/.test(untilDay ?? '') ? untilDay : undefined }
}

/** The newest system for this very model; undefined when Apple gives it none any more. */
export function newestFor(model: string, releases: readonly Release[], nowMs: number): NewestIos | undefined {
  const today = new Date(nowMs).toISOString().slice(0, 10)
  const current = releases.filter(({ untilDay }) => untilDay === undefined || untilDay >= today)
  const version = newestOf(current.filter(({ models }) => models.includes(model)))
  if (version === undefined) return undefined
  const kind = model.startsWith('iPad') ? 'iPad' : 'iPhone'
  const others = newestOf(current.filter(({ models }) => models.some((other) => other.startsWith(kind))))
  return { version, isLastForModel: others !== undefined && majorOf(version) < majorOf(others) }
}

function newestOf(releases: readonly Release[]): string | undefined {
  return releases
    .map(({ version }) => version)
    .toSorted(compareIos)
    .at(-1)
}

function majorOf(version: string): number {
  return Number.parseInt(version, 10)
}
