import { isFresh } from '../cloud.ts'
import { saw } from '../evidence.ts'
import { type AppSize, type Facts, known, type PlanUse } from '../facts.ts'
import type { Evidence, Finding } from '../finding.ts'
import { AMPLE_BYTES, FULL_SHARE, ROOM_BYTES } from '../thresholds.ts'
import { conclude, provedByBackup, type Sign, sign } from './conclude.ts'
import { ERROR_FACTS, errorSigns, messageSigns } from './signs.ts'

/** Is there room in iCloud? No phone tells how much there is: it notes that it was full, or the person tells. */
export function examineStorage(facts: Facts): readonly Finding[] {
  const room = known(facts, 'cloudRoom')
  const isOdd = room !== undefined && !isSound(room)
  return conclude(facts, {
    check: 'storage',
    signs: [
      ...(room === undefined || isOdd ? [] : roomSigns(facts, room)),
      ...(isFresh(facts) ? [] : staleSigns(facts, hasAmpleRoom(room))),
    ],
    proof: isOdd ? [] : [...provedByBackup(facts), ...roomEvidence(room)],
    notes: isOdd ? [saw('odd', ['cloudRoom'], {})] : [],
    restsOn: isFresh(facts) ? ['cloudRoom'] : ['cloudRoom', 'message', 'apps', ...ERROR_FACTS],
    questions: ['storage-room', 'message-on-phone'],
  })
}

function staleSigns(facts: Facts, isAmple: boolean): readonly Sign[] {
  return [
    ...messageSigns(facts, { 'storage-full': ['storage-full', 'certain'] }),
    ...(isAmple ? [] : errorSigns(facts, 'storage', 'storage-full')),
  ]
}

/** Whoever has made room since an error has nothing to do but to try again. */
function hasAmpleRoom(room: PlanUse | undefined): boolean {
  return room !== undefined && isSound(room) && freeBytes(room) >= AMPLE_BYTES
}

/** A backup that was made lately may still fit; a full plan is then a warning. */
function roomSigns(facts: Facts, room: PlanUse): readonly Sign[] {
  const isFull = freeBytes(room) < ROOM_BYTES || room.usedBytes >= room.totalBytes * FULL_SHARE
  const certainty = isFresh(facts) ? 'possible' : 'likely'
  if (isFull) return [sign('storage-full', certainty, saw('cloud-room-tight', ['cloudRoom'], roomValues(room)))]
  const app = isFresh(facts) ? undefined : biggest(known(facts, 'apps') ?? [])
  if (app === undefined || app.dataBytes <= freeBytes(room)) return []
  const values = { app: { private: app.name }, size: { bytes: app.dataBytes }, free: { bytes: freeBytes(room) } }
  return [sign('app-too-big', 'possible', saw('app-too-big', ['apps', 'cloudRoom'], values))]
}

function biggest(apps: readonly AppSize[]): AppSize | undefined {
  return apps.toSorted((one, other) => other.dataBytes - one.dataBytes)[0]
}

function roomEvidence(room: PlanUse | undefined): readonly Evidence[] {
  return room === undefined ? [] : [saw('cloud-room', ['cloudRoom'], roomValues(room))]
}

function roomValues(room: PlanUse) {
  return { free: { bytes: freeBytes(room) }, total: { bytes: room.totalBytes } }
}

function freeBytes({ usedBytes, totalBytes }: PlanUse): number {
  return Math.max(0, totalBytes - usedBytes)
}

/** More may be used than there is, after a plan was given up. */
function isSound({ usedBytes, totalBytes }: PlanUse): boolean {
  return Number.isFinite(usedBytes) && Number.isFinite(totalBytes) && usedBytes >= 0 && totalBytes > 0
}
