import { saw } from '../evidence.ts'
import { type Facts, known } from '../facts.ts'
import type { Evidence, Finding } from '../finding.ts'
import { WEAK_LINK_MS, WEAK_LINK_SHARE } from '../thresholds.ts'
import { conclude, okByBackup, type Sign, sign } from './conclude.ts'
import { ERROR_FACTS, errorSigns, isMost, messageSigns, watchedNights } from './signs.ts'

/** Is it on Wi-Fi, at night above all, and is the Wi-Fi any good? That it does not answer by Wi-Fi says little. */
export function examineWifi(facts: Facts): readonly Finding[] {
  return (
    okByBackup(facts, 'wifi') ??
    conclude(facts, {
      check: 'wifi',
      signs: [
        ...presenceSigns(facts),
        ...linkSigns(facts),
        ...messageSigns(facts, { 'no-wifi': ['no-wifi', 'likely'] }),
        ...errorSigns(facts, 'no-network', 'no-wifi'),
      ],
      proof: proofOf(facts),
      restsOn: ['isOnWifi', 'link', 'condition', 'nights', 'wifiAtNight', 'message', ...ERROR_FACTS],
      questions: ['wifi-at-night'],
    })
  )
}

function presenceSigns(facts: Facts): readonly Sign[] {
  const nights = watchedNights(facts)
  const signs: Sign[] = []
  if (known(facts, 'condition')?.onWifi === false) {
    signs.push(sign('no-wifi', 'likely', saw('no-wifi-in-log', ['condition'], {})))
  }
  if (nights !== undefined && isMost(nights.withoutWifi, nights)) {
    const values = { nights: nights.watched, without: nights.withoutWifi }
    signs.push(sign('no-wifi', 'likely', saw('nights-without-wifi', ['nights'], values)))
  }
  if (known(facts, 'wifiAtNight') === false) {
    signs.push(sign('no-wifi', 'likely', saw('no-wifi-at-night', ['wifiAtNight'], {})))
  }
  if (known(facts, 'isOnWifi') === false) {
    signs.push(sign('no-wifi', 'possible', saw('off-wifi', ['isOnWifi'], {})))
  }
  return signs
}

function linkSigns(facts: Facts): readonly Sign[] {
  const link = known(facts, 'link')
  if (link === undefined || (link.slowMs <= WEAK_LINK_MS && link.lostShare <= WEAK_LINK_SHARE)) return []
  const values = { ms: Math.round(link.slowMs), lostPercent: Math.round(link.lostShare * 100) }
  return [sign('weak-wifi', 'likely', saw('link-weak', ['link'], values))]
}

function proofOf(facts: Facts): readonly Evidence[] {
  const nights = watchedNights(facts)
  const link = known(facts, 'link')
  const proof: Evidence[] = []
  if (nights !== undefined) {
    proof.push(saw('nights-with-wifi', ['nights'], { nights: nights.watched, without: nights.withoutWifi }))
  }
  if (known(facts, 'condition')?.onWifi === true) proof.push(saw('wifi-in-log', ['condition'], {}))
  if (known(facts, 'isOnWifi') === true) proof.push(saw('on-wifi', ['isOnWifi'], {}))
  if (known(facts, 'reach') === 'wifi') proof.push(saw('on-wifi', ['reach'], {}))
  if (known(facts, 'wifiAtNight') === true) proof.push(saw('wifi-at-night', ['wifiAtNight'], {}))
  if (link !== undefined) proof.push(saw('link-good', ['link'], { ms: Math.round(link.medianMs) }))
  return proof
}
