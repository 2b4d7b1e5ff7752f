import { join } from 'node:path'
import type { Contest } from './contest.ts'
import { type Command, measureAll, measureIn } from './measure.ts'
import { backUpFolder, copyAndSync, phonekeep, restic } from './programs.ts'

/** Getting a backup back, and giving room back: from a repository that our writer makes of two folders, one after the other. */
export async function upkeepContests(
  work: string,
  [older, newer]: readonly [string, string],
): Promise<readonly Contest[]> {
  const repository = join(work, 'kept')
  const kept = { repository, state: work }
  await measureAll([phonekeep(['init'], kept), backUpFolder(older, kept), backUpFolder(newer, kept)])
  return [restoreContest(work, repository, newer), pruneContest(work, repository)]
}

function restoreContest(work: string, repository: string, source: string): Contest {
  const place = { repository, state: work }
  const target = join(work, 'restored')
  const round = (command: Command) => () => measureIn(target, command)
  return {
    title: 'Restore into a folder',
    contestants: [
      { name: 'phonekeep restore', round: round(phonekeep(['restore', 'latest', '--to', target], place)) },
      { name: 'restic restore', round: round(restic(['restore', 'latest', '--target', target], place)) },
      { name: '`cp` and `sync`', round: round(copyAndSync(source, target)) },
    ],
  }
}

/** Both forget the older snapshot: nothing of it is in the newer one, but for the blobs that both have. */
function pruneContest(work: string, repository: string): Contest {
  const copy = join(work, 'pruned')
  const place = { repository: copy, state: work }
  const round = (command: Command) => () => measureIn(copy, command, { from: repository })
  const forget = ['forget', '--group-by', 'host', '--keep-last', '1', '--prune']
  return {
    title: 'Forget one of two snapshots, and prune',
    contestants: [
      { name: 'phonekeep forget --prune', round: round(phonekeep(forget, place)) },
      { name: 'restic forget --prune', round: round(restic(forget, place)) },
    ],
  }
}
