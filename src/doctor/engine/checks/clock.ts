import { cloudAge, isFresh } from '../cloud.ts'
import { saw } from '../evidence.ts'
import { type Facts, known, reading } from '../facts.ts'
import type { Certainty, Evidence, Finding } from '../finding.ts'
import { CLOCK_OFF_MS } from '../thresholds.ts'
import { conclude, type Sign, sign } from './conclude.ts'

/** Is the phone's clock right? Where Apple's servers say that ours is wrong, ours is to blame. */
export function examineClock(facts: Facts): readonly Finding[] {
  const aheadMs = phoneAheadMs(facts)
  return conclude(facts, {
    check: 'clock',
    signs: [...ownSigns(facts), ...phoneSigns(facts, aheadMs)],
    proof: aheadMs === undefined ? [] : [saw('clock-right', ['clockAheadMs'], {})],
    restsOn: ['clockAheadMs', 'cloudLastMs'],
  })
}

function ownSigns(facts: Facts): readonly Sign[] {
  const aheadMs = known(facts, 'ownClockAheadMs') ?? 0
  if (!isOff(aheadMs)) return []
  const key = aheadMs > 0 ? 'own-clock-ahead' : 'own-clock-behind'
  const evidence = saw(key, ['ownClockAheadMs'], { by: { spanMs: Math.abs(aheadMs) } })
  return [sign('own-clock-wrong', 'certain', evidence)]
}

function phoneSigns(facts: Facts, aheadMs: number | undefined): readonly Sign[] {
  const signs: Sign[] = []
  if (aheadMs !== undefined && isOff(aheadMs)) signs.push(sign('clock-wrong', certaintyOf(facts), offBy(aheadMs)))
  const age = cloudAge(facts)
  if (age.kind === 'future') {
    const evidence = saw('cloud-in-future', ['cloudLastMs'], { when: { dateMs: age.lastMs } })
    signs.push(sign('clock-wrong', 'likely', evidence))
  }
  return signs
}

/** Without Apple's time it may as well be our own clock that is wrong. */
function certaintyOf(facts: Facts): Certainty {
  if (isFresh(facts)) return 'possible'
  return reading(facts, 'ownClockAheadMs').kind === 'known' ? 'certain' : 'likely'
}

function offBy(aheadMs: number): Evidence {
  return saw(aheadMs > 0 ? 'clock-ahead' : 'clock-behind', ['clockAheadMs'], { by: { spanMs: Math.abs(aheadMs) } })
}

/** How far the phone's clock is ahead of Apple's. */
function phoneAheadMs(facts: Facts): number | undefined {
  const aheadOfOurs = known(facts, 'clockAheadMs')
  return aheadOfOurs === undefined ? undefined : aheadOfOurs + (known(facts, 'ownClockAheadMs') ?? 0)
}

function isOff(aheadMs: number): boolean {
  return Math.abs(aheadMs) > CLOCK_OFF_MS
}
