import { saw } from '../evidence.ts'
import { type Facts, known } from '../facts.ts'
import type { Finding } from '../finding.ts'
import { failureSinceBackup } from '../own.ts'
import { ROOM_FAILURES } from '../own-obstacles.ts'
import { FULL_SHARE, ROOM_BYTES } from '../thresholds.ts'
import { conclude, type Sign, sign } from './conclude.ts'
import { FAILURE_FACTS, failureSigns } from './own-signs.ts'

/** Is there room for our backups, on the disk and within the allowance? */
export function examineOwnRoom(facts: Facts): readonly Finding[] {
  const freeBytes = known(facts, 'ownRoom')?.freeBytes
  return conclude(facts, {
    check: 'own-room',
    signs: [...allowanceSigns(facts), ...diskSigns(freeBytes), ...failureSigns(facts, roomFailures(facts))],
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
  if (allowance === undefined) return []
  const { usedBytes, totalBytes } = allowance
  const isFull = usedBytes >= totalBytes * FULL_SHARE
  if (!isFull && !hasStoppedAtAllowance(facts)) return []
  const values = { used: { bytes: usedBytes }, total: { bytes: totalBytes } }
  return [sign('own-allowance-used', 'certain', saw('own-allowance', ['ownAllowance'], values))]
}

/** A phone that was told of too little room does not say whose limit that was: it was the nearer one. */
function roomFailures(facts: Facts): typeof ROOM_FAILURES {
  const { 'device.backup-no-space': _, ...ofTheDisk } = ROOM_FAILURES
  return hasStoppedAtAllowance(facts) ? ofTheDisk : ROOM_FAILURES
}

function hasStoppedAtAllowance(facts: Facts): boolean {
  const allowance = known(facts, 'ownAllowance')
  if (allowance === undefined || failureSinceBackup(facts)?.code !== 'device.backup-no-space') return false
  const onDisk = known(facts, 'ownRoom')?.freeBytes ?? Number.POSITIVE_INFINITY
  return allowance.totalBytes - allowance.usedBytes < onDisk
}
