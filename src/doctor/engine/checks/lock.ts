import { saw } from '../evidence.ts'
import { type Facts, known } from '../facts.ts'
import { type Sign, sign } from './conclude.ts'
import { isMost, watchedNights } from './signs.ts'

/** Signs that it is not locked when it should be. A phone without a passcode never says that it is locked. */
export function lockSigns(facts: Facts): readonly Sign[] {
  const condition = known(facts, 'condition')
  const signs: Sign[] = []
  if (known(facts, 'locksAtNight') === false) {
    signs.push(sign('not-locked', 'likely', saw('unlocked-at-night', ['locksAtNight'], {})))
  }
  if (condition?.locked === false && condition.onPower && condition.onWifi) {
    signs.push(sign('not-locked', 'possible', saw('not-locked-in-log', ['condition'], {})))
  }
  return [...signs, ...nightSigns(facts)]
}

function nightSigns(facts: Facts): readonly Sign[] {
  const nights = watchedNights(facts)
  const hasPasscode = known(facts, 'hasPasscode')
  if (nights === undefined || hasPasscode === false || !isMost(nights.withoutLock, nights)) return []
  const values = { nights: nights.watched, without: nights.withoutLock }
  const certainty = hasPasscode === true ? 'likely' : 'possible'
  return [sign('not-locked', certainty, saw('nights-unlocked', ['nights'], values))]
}
