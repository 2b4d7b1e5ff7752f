import { isFresh, missedSinceMs } from '../cloud.ts'
import { saw } from '../evidence.ts'
import { type AppleService, type AppleServices, type Facts, known } from '../facts.ts'
import type { Certainty, Evidence, Finding } from '../finding.ts'
import { conclude, type Sign, sign } from './conclude.ts'
import { errorSigns } from './signs.ts'

const SERVICES = ['backup', 'account', 'storage'] as const satisfies readonly (keyof AppleServices)[]

/** Does iCloud itself work? A feed that could not be read says nothing, and a light of unknown colour is not green. */
export function examineService(facts: Facts): readonly Finding[] {
  const services = known(facts, 'services')
  const lights = services === undefined ? [] : SERVICES.map((name) => services[name].light)
  const isWell = lights.length > 0 && lights.every((light) => light === 'ok' || light === 'recently-fixed')
  return conclude(facts, {
    check: 'service',
    signs: [...outageSigns(facts, services), ...(isWell || isFresh(facts) ? [] : serviceErrors(facts))],
    proof: isWell ? [saw('services-ok', ['services'], {})] : [],
    notes: [...fixed(services), ...(lights.includes('unknown') ? [saw('services-unknown', ['services'], {})] : [])],
    restsOn: ['services'],
  })
}

function serviceErrors(facts: Facts): readonly Sign[] {
  return errorSigns(facts, 'service', 'service-outage')
}

function outageSigns(facts: Facts, services: AppleServices | undefined): readonly Sign[] {
  if (services === undefined) return []
  return SERVICES.filter((name) => services[name].light === 'outage').map((name) => {
    const service = services[name]
    return sign('service-outage', certaintyOf(facts, name, service), ...outageEvidence(facts, name, service))
  })
}

/** An outage that began after backups had stopped did not stop them. */
function certaintyOf(facts: Facts, name: keyof AppleServices, service: AppleService): Certainty {
  if (isFresh(facts) || beganLater(facts, service)) return 'possible'
  return name === 'backup' ? 'certain' : 'likely'
}

function beganLater(facts: Facts, { sinceMs }: AppleService): boolean {
  const missedMs = missedSinceMs(facts)
  return sinceMs !== undefined && missedMs !== undefined && sinceMs > missedMs
}

function outageEvidence(facts: Facts, name: keyof AppleServices, service: AppleService): readonly Evidence[] {
  const since = service.sinceMs
  const outage =
    since === undefined
      ? saw('service-outage', ['services'], { service: nameOf(name) })
      : saw('service-outage-since', ['services'], { service: nameOf(name), since: { dateMs: since } })
  if (since === undefined || !beganLater(facts, service)) return [outage]
  return [outage, saw('outage-began-later', ['services', 'cloudLastMs'], { since: { dateMs: since } })]
}

function fixed(services: AppleServices | undefined): readonly Evidence[] {
  if (services === undefined) return []
  return SERVICES.filter((name) => services[name].light === 'recently-fixed').map((name) =>
    saw('service-recently-fixed', ['services'], { service: nameOf(name) }),
  )
}

function nameOf(name: keyof AppleServices) {
  return { message: { key: `service.${name}` } }
}
