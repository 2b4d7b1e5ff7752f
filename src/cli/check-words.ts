import type { CheckFinding, CheckReport, DataSelection, HurtPath, HurtSnapshot } from '../repository/index.ts'
import { shortId } from '../repository/index.ts'
import { badUsage } from './errors.ts'
import { countOf, formatTime, parseSize, plainText } from './words.ts'

const PARTS_MAX = 256

/** Reads what `--read-data-subset` takes: `2/7`, `5%` or a size, as restic's. Throws `cli.usage`. */
export function parseSubset(text: string): DataSelection {
  const [, part, parts] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? []
  if (part !== undefined && parts !== undefined) {
    if (part >= 1 && part <= parts && parts <= PARTS_MAX) return { kind: 'part', part, parts }
    throw badUsage(`"${text}" is not a part`, `Write it like 1/7 to 7/7, with at most ${PARTS_MAX} parts`)
  }
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1]
  if (percent === undefined) return { kind: 'bytes', bytes: parseSize(text) }
  if (Number(percent) > 0 && Number(percent) <= 100) return { kind: 'share', percent: Number(percent) }
  throw badUsage(`"${text}" is not a share`, 'Write it like 5% or 0.5%')
}

const MINUTE_MS = 60_000

/** Reads what `--read-data-oldest` takes: a size, or a time such as `30min` or `2h`. Throws `cli.usage`. */
export function parseOldest(text: string): DataSelection {
  const [, count, unit] = /^(\d+)\s*(min|h)$/.exec(text) ?? []
  if (count === undefined) return { kind: 'oldest', bytesMax: parseSize(text) }
  return { kind: 'oldest', msMax: Number(count) * MINUTE_MS * (unit === 'h' ? 60 : 1) }
}

/** What a check saw, for a person: what is wrong, who is hurt by it, and what to do about it in which order. */
export function checkLines(report: CheckReport): readonly string[] {
  const { findings, findingCount, ok, snapshots, packs, packsRead, blobs } = report
  const read = packsRead === 0 ? '' : ` (${packsRead === packs ? 'all' : packsRead.toLocaleString('en-US')} read)`
  const seen = `${countOf(snapshots, 'snapshot')}, ${countOf(packs, 'pack')}${read}, ${countOf(blobs, 'blob')}`
  const rest = findingCount - findings.length
  return [
    ...findings.map(findingLine),
    ...(rest > 0 ? [`and ${countOf(rest, 'more finding')}`] : []),
    ...hurtLines(report),
    ...(ok ? [`No damage found in ${seen}.`] : [`Looked at ${seen}.`, ...adviceLines(findings)]),
  ]
}

function findingLine({ severity, subject, sentence }: CheckFinding): string {
  return `${severity === 'damage' ? 'DAMAGE' : 'hint'}: ${plainText(subject)}: ${plainText(sentence)}`
}

function hurtLines({ hurt, sound, ok }: CheckReport): readonly string[] {
  if (ok) return []
  const fine = `Wholly fine: ${sound.length === 0 ? 'no snapshot' : sound.map(shortId).join(', ')}`
  return [...hurt.flatMap(hurtSnapshotLines), fine]
}

function hurtSnapshotLines({ id, time, hostname, files, folders, paths }: HurtSnapshot): readonly string[] {
  if (time === undefined) return [`HURT: snapshot ${shortId(id)}: its own file cannot be read, so all of it is lost`]
  const rest = files + folders - paths.length
  return [
    `HURT: snapshot ${shortId(id)} of ${formatTime(time)}, ${plainText(hostname ?? 'no host')}: ${lossOf(files, folders)}`,
    ...paths.map(pathLine),
    ...(rest > 0 ? [`  and ${rest.toLocaleString('en-US')} more (--json names all)`] : []),
  ]
}

/** `2 files and 1 folder with everything in it` */
export function lossOf(files: number, folders: number): string {
  const parts = [
    ...(files > 0 ? [countOf(files, 'file')] : []),
    ...(folders > 0 ? [`${countOf(folders, 'folder')} with everything in ${folders === 1 ? 'it' : 'them'}`] : []),
  ]
  return parts.join(' and ')
}

/** One file or folder that is hurt, and by what. */
export function pathLine({ path, kind, because }: HurtPath): string {
  return `  ${plainText(path)}${kind === 'folder' ? ' (a folder)' : ''}: ${plainText(because)}`
}

/** What helps against which findings, in the order in which to do it. */
const ADVICE: readonly (readonly [RegExp, (subjects: readonly string[]) => string])[] = [
  [/./, () => 'Make a copy of the repository and look at the health of its disk, before anything is written'],
  [/^file-damaged config$/, () => 'Put the file config back from a copy of the repository: nothing opens without it'],
  [
    /^file-damaged locks/,
    () => 'Once nobody works on the repository any more, remove the damaged lock: `phonekeep unlock --remove-all`',
  ],
  [/^file-damaged keys/, () => 'Make another key with `phonekeep key add`, then remove the damaged one'],
  [
    /^pack-(damaged|header|size) /,
    (packs) => `Save what is left in damaged packs: \`phonekeep repair packs ${named(packs)}\``,
  ],
  [/^(index-|pack-missing|pack-size)/, () => 'Make the index fit the packs again: `phonekeep repair index`'],
  [/^(pack-|tree-|blob-)/, () => 'Back the phones up: what they still have is stored anew, also for older snapshots'],
  [
    /^(pack-|tree-|blob-|snapshot-)/,
    () => 'Take out of the snapshots what is lost for good: `phonekeep repair snapshots --dry-run` names it first',
  ],
]

const PACKS_NAMED_MAX = 20

/** Without ids every pack is read, which finds them again. */
function named(paths: readonly string[]): string {
  const ids = [...new Set(paths)].map((path) => path.split('/').at(-1)?.slice(0, 8))
  return ids.length > PACKS_NAMED_MAX ? '' : ids.join(' ')
}

function adviceLines(findings: readonly CheckFinding[]): readonly string[] {
  const damages = findings.filter(({ severity }) => severity === 'damage')
  const steps = ADVICE.flatMap(([about, step]) => {
    const subjects = damages
      .filter(({ kind, subject }) => about.test(`${kind} ${subject}`))
      .map(({ subject }) => subject)
    return subjects.length === 0 ? [] : [step(subjects)]
  })
  return ['What to do, in this order:', ...steps.map((step, index) => `  ${index + 1}. ${step}`)]
}
