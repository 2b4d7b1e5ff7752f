import { saw } from '../evidence.ts'
import { type Facts, known } from '../facts.ts'
import type { Finding } from '../finding.ts'
import { ROOM_FAILURES } from '../own-obstacles.ts'
import { FULL_SHARE, ROOM_BYTES } from '../thresholds.ts'
import { conclude, type Sign, sign } from './conclude.ts'
import { FAILURE_FACTS, failureSigns } from './own-signs.ts'

/** Is there room for our backups, on the disk and within the allowance? */
export function examineOwnRoom(facts: Facts): readonly Finding[] {
  const freeBytes = known(facts, 'ownRoom')?.freeBytes
  return conclude(facts, {
    check: 'own-room',
    signs: [...allowanceSigns(facts), ...diskSigns(freeBytes), ...failureSigns(facts, ROOM_FAILURES)],
    proof: freeBytes === undefined ? [] : [saw('own-room', ['ownRoom'], { free: { bytes: freeBytes } })],
    restsOn: ['ownRoom', 'ownAllowance', ...FAILURE_FACTS],
  })
}

function diskSigns(freeBytes: number | undefined): readonly Sign[] {
  if (freeBytes === undefined || freeBytes >= ROOM_BYTES) return []
  return [sign('own-disk-full', 'likely', saw('own-room-tight', ['ownRoom'], { free: { bytes: freeBytes } }))]
}

function allowanceSigns(facts: Facts): readonly Sign[] {
  const allowance = known(facts, 'ownAllowance')
  if (allowance === undefined || allowance.usedBytes < allowance.totalBytes * FULL_SHARE) return []
  const values = { used: { bytes: allowance.usedBytes }, total: { bytes: allowance.totalBytes } }
  return [sign('own-allowance-used', 'certain', saw('own-allowance', ['ownAllowance'], values))]
}
