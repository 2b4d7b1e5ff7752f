import { saw } from '../evidence.ts'
import { type Facts, known, type Power, reading } from '../facts.ts'
import type { Evidence, Finding } from '../finding.ts'
import { HELD_PERCENT, WEAK_WATTS } from '../thresholds.ts'
import { conclude, okByBackup, type Sign, sign } from './conclude.ts'
import { lockSigns } from './lock.ts'
import { ERROR_FACTS, errorSigns, isMost, messageSigns, watchedNights } from './signs.ts'

/**
 * Is it on a charger and locked, at night above all? Power through our own cable says nothing about the charger by the bed; that
 * this cable gives none does say something of it.
 * Source: docs/protocol/doctor.md#power
 */
export function examinePower(facts: Facts): readonly Finding[] {
  return (
    okByBackup(facts, 'power') ??
    conclude(facts, {
      check: 'power',
      signs: [
        ...chargerSigns(facts),
        ...nightSigns(facts),
        ...lockSigns(facts),
        ...messageSigns(facts, {
          'no-power': ['no-power', 'likely'],
          'not-backed-up-in-weeks': ['never-in-condition', 'likely'],
        }),
        ...errorSigns(facts, 'conditions', 'never-in-condition'),
      ],
      proof: proofOf(facts),
      notes: notesOf(facts),
      restsOn: [
        'power',
        'reach',
        'condition',
        'nights',
        'chargesAtNight',
        'locksAtNight',
        'hasPasscode',
        'message',
        'backUpNow',
        ...ERROR_FACTS,
      ],
      questions: isOurs(facts) ? [] : ['charges-at-night', 'locked-at-night', 'has-passcode'],
    })
  )
}

/** What the battery says now. */
function chargerSigns(facts: Facts): readonly Sign[] {
  const power = known(facts, 'power')
  const signs: Sign[] = []
  if (known(facts, 'condition')?.onPower === false && !isOurs(facts)) {
    signs.push(sign('no-power', 'likely', saw('no-power-in-log', ['condition'], {})))
  }
  if (power === undefined) return signs
  if (isOurs(facts)) return isDead(power) ? [...signs, ourDeadCable(facts)] : signs
  if (!power.isConnected) return isAdapterSeen(power) ? signs : [...signs, ...unplugged(facts)]
  if (isDead(power)) signs.push(sign('dead-cable', 'certain', saw('cable-dead', ['power'], {})))
  if (power.adapter?.isUnrecognized && power.isCharging !== true && !isHeld(power)) {
    signs.push(sign('dead-cable', 'likely', saw('adapter-unrecognized', ['power'], {})))
  }
  if (power.isDraining) signs.push(sign('weak-charger', 'likely', saw('draining', ['power'], {})))
  const watts = power.adapter?.watts
  if (watts !== undefined && watts > 0 && watts < WEAK_WATTS) {
    signs.push(sign('weak-charger', 'possible', saw('adapter-watts', ['power'], { watts })))
  }
  return signs
}

/** The cable to this computer may be the one by the bed, unless the nights are known to be good. */
function ourDeadCable(facts: Facts): Sign {
  return sign('dead-cable', chargesAtNight(facts) ? 'possible' : 'likely', saw('cable-dead', ['power', 'reach'], {}))
}

/** A phone is unplugged most of the day: that alone is weak, and nothing at all if its nights are known to be good. */
function unplugged(facts: Facts): readonly Sign[] {
  return chargesAtNight(facts) ? [] : [sign('no-power', 'possible', saw('no-power', ['power'], {}))]
}

function chargesAtNight(facts: Facts): boolean {
  const nights = watchedNights(facts)
  return known(facts, 'chargesAtNight') === true || (nights !== undefined && !isMost(nights.withoutPower, nights))
}

function nightSigns(facts: Facts): readonly Sign[] {
  const nights = watchedNights(facts)
  const signs: Sign[] = []
  if (nights !== undefined && isMost(nights.withoutPower, nights)) {
    const values = { nights: nights.watched, without: nights.withoutPower }
    signs.push(sign('no-power', 'likely', saw('nights-without-power', ['nights'], values)))
  }
  if (nights !== undefined && nights.inCondition === 0 && known(facts, 'hasPasscode') !== false) {
    const certainty = isMost(nights.withoutLock, nights) ? 'possible' : 'likely'
    const evidence = saw('never-in-condition', ['nights'], { nights: nights.watched })
    signs.push(sign('never-in-condition', certainty, evidence))
  }
  if (known(facts, 'chargesAtNight') === false) {
    signs.push(sign('no-power', 'likely', saw('no-charge-at-night', ['chargesAtNight'], {})))
  }
  if (known(facts, 'backUpNow') === 'worked') {
    signs.push(sign('never-in-condition', 'likely', saw('worked-by-hand', ['backUpNow'], {})))
  }
  return signs
}

function proofOf(facts: Facts): readonly Evidence[] {
  const power = known(facts, 'power')
  const nights = watchedNights(facts)
  const proof: Evidence[] = []
  if (nights !== undefined) {
    proof.push(saw('nights-with-power', ['nights'], { nights: nights.watched, without: nights.withoutPower }))
  }
  if (known(facts, 'chargesAtNight') === true) proof.push(saw('charges-at-night', ['chargesAtNight'], {}))
  if (!isReachKnown(facts) || isOurs(facts)) return proof
  if (known(facts, 'condition')?.onPower === true) proof.push(saw('power-in-log', ['condition'], {}))
  if (power?.isConnected) proof.push(saw('on-power', ['power'], {}))
  return proof
}

function notesOf(facts: Facts): readonly Evidence[] {
  const power = known(facts, 'power')
  if (power?.isConnected && isOurs(facts)) return [saw('our-cable', ['power', 'reach'], {})]
  if (power?.isConnected === false && isAdapterSeen(power)) return [saw('adapter-without-power', ['power'], {})]
  return known(facts, 'hasPasscode') === false ? [saw('no-passcode', ['hasPasscode'], {})] : []
}

/** The cable that we talk through also charges. */
function isOurs(facts: Facts): boolean {
  return known(facts, 'reach') === 'usb'
}

function isReachKnown(facts: Facts): boolean {
  return reading(facts, 'reach').kind === 'known'
}

/** While a phone holds its charge it may seem unplugged, but still names its adapter. */
function isAdapterSeen({ adapter }: Power): boolean {
  return adapter !== undefined && !adapter.isUnrecognized
}

/** Something is attached that cannot charge. */
function isDead({ isConnected, canCharge }: Power): boolean {
  return isConnected && canCharge === false
}

function isHeld({ isFull, percent }: Power): boolean {
  return isFull === true || (percent !== undefined && percent >= HELD_PERCENT)
}
