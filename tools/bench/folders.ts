import { join } from 'node:path'
import type { Contest } from './contest.ts'
import { database, type MakeSet, photos, smallFiles } from './data-sets.ts'
import { type Command, measure, measureIn } from './measure.ts'
import { backUpFolder, copyAndSync, phonekeep, restic } from './programs.ts'

export interface FolderSizes {
  readonly photoBytes: number
  readonly smallFiles: number
  readonly databaseBytes: number
}

interface Given {
  readonly title: string
  /** For everything that comes and goes. */
  readonly work: string
  /** A repository with nothing in it: every round begins with a copy. */
  readonly empty: string
}

/** Our writer, restic and `cp` over the same folders; like for like: everything synced, and nothing read back but where it says so. */
export async function folderContests(work: string, sizes: FolderSizes): Promise<readonly Contest[]> {
  const empty = join(work, 'empty')
  await measure(phonekeep(['init'], { repository: empty, state: work }))
  const contests: Contest[] = []
  for (const { title, make } of setsOf(sizes)) {
    const source = join(work, `set-${contests.length}`)
    make(source)
    contests.push(...contestsOver(source, { title, work, empty }))
  }
  return contests
}

function setsOf({
  photoBytes,
  smallFiles: count,
  databaseBytes,
}: FolderSizes): readonly { title: string; make: MakeSet }[] {
  return [
    {
      title: `Photos: ${megabytes(photoBytes)} in files of 3 to 5 MB that nothing makes smaller`,
      make: photos(photoBytes),
    },
    { title: `Small files: ${count} of 1 to 50 kB, half of them text`, make: smallFiles(count) },
    { title: `A database: one SQLite file of ${megabytes(databaseBytes)}`, make: database(databaseBytes) },
  ]
}

function contestsOver(source: string, { title, work, empty }: Given): readonly Contest[] {
  const target = join(work, 'target')
  const place = { repository: target, state: work }
  const oneCore = { ...place, oneCore: true }
  const round = (command: Command) => () => measureIn(target, command, { from: empty })
  const copy = () => measureIn(target, copyAndSync(source, target))
  return [
    {
      title,
      contestants: [
        { name: 'phonekeep, nothing read back', round: round(backUpFolder(source, place)) },
        { name: 'phonekeep', round: round(backUpFolder(source, place, ['--verify'])) },
        { name: 'restic', round: round(restic(['backup', source], place)) },
        { name: 'restic, no compression', round: round(restic(['backup', '--compression', 'off', source], place)) },
        { name: '`cp` and `sync`', round: copy },
      ],
    },
    {
      title: `${title}; one core`,
      contestants: [
        { name: 'phonekeep, nothing read back', round: round(backUpFolder(source, oneCore)) },
        { name: 'restic', round: round(restic(['backup', source], oneCore)) },
      ],
    },
  ]
}

function megabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`
}
