import { isFresh } from '../cloud.ts'
import { saw } from '../evidence.ts'
import { type Facts, known, reading } from '../facts.ts'
import type { Evidence, Finding } from '../finding.ts'
import { compareVersions, isBetaBuild, majorOf } from '../ios-version.ts'
import { conclude, type Sign, sign } from './conclude.ts'
import { ERROR_FACTS, errorSigns } from './signs.ts'

/** Apple's servers take no backups of older phones. Source: docs/protocol/doctor.md#ios-versions */
const OLDEST_MAJOR = 9

/** Is its iOS new enough, the newest for this very model, and no beta? A phone that does back up needs no newer one. */
export function examineUpdate(facts: Facts): readonly Finding[] {
  const ios = known(facts, 'ios')
  const isOdd = ios !== undefined && majorOf(ios) === undefined
  return conclude(facts, {
    check: 'update',
    signs: isFresh(facts) ? [] : signsOf(facts),
    proof: proofOf(facts),
    notes: isOdd ? [saw('odd', ['ios'], {})] : [],
    restsOn: isFresh(facts) ? ['ios', 'newestIos'] : ['ios', 'newestIos', 'build', ...ERROR_FACTS],
    questions: ['ios'],
  })
}

function signsOf(facts: Facts): readonly Sign[] {
  const ios = known(facts, 'ios')
  const major = ios === undefined ? undefined : majorOf(ios)
  if (ios !== undefined && major !== undefined && major < OLDEST_MAJOR) {
    return [sign('ios-too-old', 'certain', saw('ios-too-old', ['ios'], { ios }))]
  }
  const build = known(facts, 'build')
  return [
    ...errorSigns(facts, 'update', 'ios-outdated'),
    ...(ios !== undefined && isOutdated(facts) ? [sign('ios-outdated', 'possible', ...newerThere(facts, ios))] : []),
    ...(build !== undefined && isBetaBuild(build) ? [sign('ios-beta', 'possible', ...beta(build))] : []),
  ]
}

/** Undefined where nothing can be said. */
function isOutdated(facts: Facts): boolean | undefined {
  const ios = known(facts, 'ios')
  const newest = known(facts, 'newestIos')
  const order = ios === undefined || newest === undefined ? undefined : compareVersions(ios, newest.version)
  return order === undefined ? undefined : order < 0
}

function proofOf(facts: Facts): readonly Evidence[] {
  const ios = known(facts, 'ios')
  if (ios === undefined || majorOf(ios) === undefined) return []
  if (reading(facts, 'newestIos').kind === 'absent') return [saw('ios-no-more-updates', ['ios', 'newestIos'], { ios })]
  switch (isOutdated(facts)) {
    case undefined:
      return []
    case true:
      return newerThere(facts, ios)
    case false: {
      const isLast = known(facts, 'newestIos')?.isLastForModel === true
      return [saw(isLast ? 'ios-last-for-model' : 'ios-newest', ['ios', 'newestIos'], { ios })]
    }
  }
}

function newerThere(facts: Facts, ios: string): readonly Evidence[] {
  const newest = known(facts, 'newestIos')?.version ?? ''
  return [saw('ios-newer-there', ['ios', 'newestIos'], { ios, newest })]
}

function beta(build: string): readonly Evidence[] {
  return [saw('ios-beta', ['build'], { build })]
}
