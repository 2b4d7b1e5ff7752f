import { saw } from '../evidence.ts'
import { type Facts, known } from '../facts.ts'
import type { Finding } from '../finding.ts'
import { conclude, okByBackup, type Sign, sign } from './conclude.ts'
import { ERROR_FACTS, errorSigns } from './signs.ts'

/** Does something between the phone and Apple filter: a VPN, a blocker of advertisements, a router? */
export function examineNetwork(facts: Facts): readonly Finding[] {
  const hasVpn = known(facts, 'hasVpn')
  return (
    okByBackup(facts, 'network') ??
    conclude(facts, {
      check: 'network',
      signs: [...(hasVpn ? [vpnSign()] : []), ...errorSigns(facts, 'network', 'filtered-network')],
      proof: hasVpn === false ? [saw('vpn-off', ['hasVpn'], {})] : [],
      restsOn: ['hasVpn', ...ERROR_FACTS],
      questions: ['vpn'],
    })
  )
}

function vpnSign(): Sign {
  return sign('filtered-network', 'possible', saw('vpn-on', ['hasVpn'], {}))
}
