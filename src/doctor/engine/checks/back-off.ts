import { saw } from '../evidence.ts'
import { type Facts, known } from '../facts.ts'
import type { Finding } from '../finding.ts'
import { PLANNED_MS } from '../thresholds.ts'
import { conclude, okByBackup, sign } from './conclude.ts'
import { ERROR_FACTS, errorSigns } from './signs.ts'

/** Has the phone put its next backup off? After failures it waits longer each time, up to a week. */
export function examineBackOff(facts: Facts): readonly Finding[] {
  const nextMs = known(facts, 'cloudNextMs')
  const isFar = nextMs !== undefined && nextMs - facts.nowMs > PLANNED_MS
  const planned = nextMs === undefined ? [] : [{ when: { dateMs: nextMs } }]
  return (
    okByBackup(facts, 'back-off') ??
    conclude(facts, {
      check: 'back-off',
      signs: [
        ...(isFar
          ? planned.map((values) => sign('backed-off', 'likely', saw('next-backup-far', ['cloudNextMs'], values)))
          : []),
        ...errorSigns(facts, 'wait', 'backed-off', 'possible'),
      ],
      proof: planned.map((values) => saw('next-backup', ['cloudNextMs'], values)),
      restsOn: ['cloudNextMs', ...ERROR_FACTS],
    })
  )
}
