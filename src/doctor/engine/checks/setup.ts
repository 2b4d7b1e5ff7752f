import { saw } from '../evidence.ts'
import { type Facts, known } from '../facts.ts'
import type { Evidence, Finding } from '../finding.ts'
import { conclude, okByBackup, type Sign, sign } from './conclude.ts'
import { messageSigns } from './signs.ts'

/** Is the phone set up, and is no restore going on? Both come before any backup. */
export function examineSetup(facts: Facts): readonly Finding[] {
  return (
    okByBackup(facts, 'setup') ??
    conclude(facts, {
      check: 'setup',
      signs: [...setupSigns(facts), ...messageSigns(facts, { 'being-restored': ['restoring', 'certain'] })],
      proof: proofOf(facts),
      restsOn: ['setup', 'isRestoring', 'obstacle', 'message'],
    })
  )
}

function setupSigns(facts: Facts): readonly Sign[] {
  const obstacle = known(facts, 'obstacle')
  const signs: Sign[] = []
  if (known(facts, 'isRestoring')) signs.push(sign('restoring', 'certain', saw('restoring', ['isRestoring'], {})))
  if (obstacle === 'device.backup-icloud-restoring') {
    signs.push(sign('restoring', 'certain', saw('restoring', ['obstacle'], {})))
  }
  if (known(facts, 'setup') === 'unfinished') {
    signs.push(sign('setup-unfinished', 'certain', saw('setup-unfinished', ['setup'], {})))
  }
  if (obstacle === 'device.backup-setup-unfinished') {
    signs.push(sign('setup-unfinished', 'certain', saw('setup-unfinished', ['obstacle'], {})))
  }
  return signs
}

function proofOf(facts: Facts): readonly Evidence[] {
  return [
    ...(known(facts, 'setup') === 'done' ? [saw('setup-done', ['setup'], {})] : []),
    ...(known(facts, 'isRestoring') === false ? [saw('not-restoring', ['isRestoring'], {})] : []),
  ]
}
