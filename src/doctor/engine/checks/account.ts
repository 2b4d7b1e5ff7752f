import { saw } from '../evidence.ts'
import { type Facts, known } from '../facts.ts'
import type { Evidence, Finding } from '../finding.ts'
import { conclude, okByBackup, type Sign, sign } from './conclude.ts'
import { ERROR_FACTS, errorSigns, messageSigns } from './signs.ts'

/** Is an Apple Account signed in, and content? That Find My is on proves the first; nothing on the phone tells the second. */
export function examineAccount(facts: Facts): readonly Finding[] {
  return (
    okByBackup(facts, 'account') ??
    conclude(facts, {
      check: 'account',
      signs: [
        ...stateSigns(facts),
        ...messageSigns(facts, {
          'account-unreachable': ['account-wants-attention', 'likely'],
          'email-unverified': ['account-wants-attention', 'certain'],
          'account-needs-update': ['account-wants-attention', 'likely'],
        }),
        ...errorSigns(facts, 'account', 'account-wants-attention'),
      ],
      proof: isFine(facts) ? fine(facts) : [],
      notes: isFine(facts) || known(facts, 'isSignedIn') !== true ? [] : [saw('signed-in', ['isSignedIn'], {})],
      restsOn: ['isSignedIn', 'accountWantsAttention', 'message', ...ERROR_FACTS],
      questions: ['signed-in', 'account-badge'],
    })
  )
}

function stateSigns(facts: Facts): readonly Sign[] {
  if (known(facts, 'isSignedIn') === false)
    return [sign('signed-out', 'certain', saw('signed-out', ['isSignedIn'], {}))]
  if (known(facts, 'accountWantsAttention') !== true) return []
  const evidence = saw('account-wants-attention', ['accountWantsAttention'], {})
  return [sign('account-wants-attention', 'likely', evidence)]
}

function isFine(facts: Facts): boolean {
  return known(facts, 'isSignedIn') === true && known(facts, 'accountWantsAttention') === false
}

function fine(facts: Facts): readonly Evidence[] {
  return [
    ...(known(facts, 'isSignedIn') ? [saw('signed-in', ['isSignedIn'], {})] : []),
    saw('account-fine', ['accountWantsAttention'], {}),
  ]
}
