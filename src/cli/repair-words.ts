import type {
  IndexRepairPlan,
  PackRepairPlan,
  PackRepairReport,
  SnapshotRepair,
  SnapshotRepairPlan,
  SnapshotRepairReport,
} from '../repository/index.ts'
import { needsIndexRepair, REPAIRED_TAG, shortId } from '../repository/index.ts'
import { lossOf } from './check-words.ts'
import { countOf, formatSize, formatTime, plainText } from './words.ts'

/** What is found wrong with the index, and what is done about it. */
export function indexPlanLines(plan: IndexRepairPlan): readonly string[] {
  const { unreadable, gone, unlisted, misjudged, duplicates, left } = plan
  const sentences: readonly (readonly [number, string])[] = [
    [unreadable.length, `${countOf(unreadable.length, 'index file')} cannot be read: what they listed is listed anew.`],
    [
      gone.length,
      `${countOf(gone.length, 'pack of the index is', 'packs of the index are')} gone: the index forgets that.`,
    ],
    [
      unlisted.length,
      `${countOf(unlisted.length, 'pack is', 'packs are')} in no index: now listed by what their own headers say.`,
    ],
    [
      misjudged.length,
      `${countOf(misjudged.length, 'pack is', 'packs are')} listed wrongly: their own headers decide.`,
    ],
    [duplicates, `${countOf(duplicates, 'pack')} are listed twice: once is enough.`],
  ]
  const needed = sentences.filter(([count]) => count > 0).map(([, sentence]) => sentence)
  return [
    ...(needsIndexRepair(plan) ? needed : ['The index fits the packs.']),
    ...(left.length > 0 ? [leftLine(left.map(shortId))] : []),
  ]
}

function leftLine(ids: readonly string[]): string {
  return `Left alone, since their headers cannot be read: ${ids.join(', ')}. \`phonekeep repair packs\` saves what is in them.`
}

/** What is found wrong with packs, and what is done about it. */
export function packPlanLines({ damaged, packsRead }: PackRepairPlan): readonly string[] {
  if (damaged.length === 0) return [`No damaged pack among the ${countOf(packsRead, 'pack')} that were read.`]
  const lines = damaged.map(({ id, sizeBytes, saw }) => `${shortId(id)} (${formatSize(sizeBytes)}): ${plainText(saw)}`)
  return [...lines, 'What can be read of them is stored anew; they themselves are moved into quarantine.']
}

/** What a repair of packs did. */
export function packReportLines({ savedBlobs, moved }: PackRepairReport): readonly string[] {
  if (moved.length === 0) return []
  return [
    `Saved ${countOf(savedBlobs, 'blob')}; moved ${countOf(moved.length, 'pack')} into quarantine.`,
    'Now back the phones up: what they still have of what is lost is stored anew. Then `phonekeep repair snapshots --dry-run`.',
  ]
}

/** Which snapshots would lose what. */
export function snapshotPlanLines({ repairs, unreadable, sound }: SnapshotRepairPlan): readonly string[] {
  return [
    ...repairs.map(snapshotLine),
    ...unreadable.map(
      (id) => `${shortId(id)}: its own file cannot be read; with --forget it is moved into quarantine.`,
    ),
    `${countOf(sound, 'snapshot')} ${sound === 1 ? 'needs' : 'need'} no repair.`,
  ]
}

function snapshotLine({ snapshot, tree, lostFiles, lostFolders, repairedAs }: SnapshotRepair): string {
  const about = `${shortId(snapshot.id)} of ${formatTime(snapshot.time)}`
  if (tree === undefined) return `${about}: nothing is left of it; with --forget it is moved into quarantine.`
  const loss = `loses ${lossOf(lostFiles, lostFolders)}`
  return repairedAs === undefined
    ? `${about}: ${loss}.`
    : `${about}: ${loss}; repaired before, as ${shortId(repairedAs)}.`
}

/** What a repair of snapshots did. */
export function snapshotReportLines({ made, removed }: SnapshotRepairReport): readonly string[] {
  const lines = made.map(
    ({ id, original }) => `Made ${shortId(id)} of ${shortId(original ?? id)}, tagged "${REPAIRED_TAG}".`,
  )
  if (made.length > 0) {
    lines.push('A backup of a phone with files left out is not complete: a restore to a phone says so, and stops.')
  }
  if (removed.length > 0) lines.push(`Removed ${removed.map(shortId).join(', ')}.`)
  return lines
}
