import { openBackupSet } from '../../backup-set/index.ts'
import { type ExtractFinding, extractFiles, openSnapshotFiles } from '../../run/index.ts'
import { backupPasswordFor } from '../backup-password.ts'
import { type Context, printResult } from '../context.ts'
import { badUsage } from '../errors.ts'
import { tempFolderOf } from '../repositories.ts'
import { openProgress } from '../terminal.ts'
import { amountOf, countOf, formatSize, plainText } from '../words.ts'
import type { FoundSnapshot, RestoreOptions, ToFolder } from './restore.ts'

/** Decrypted, under the names that files have on the phone. Resolves with how many files are lost, or doubtful. */
export async function restoreFiles(
  { repository, snapshot }: FoundSnapshot,
  options: RestoreOptions & ToFolder,
  context: Context,
): Promise<number> {
  const { signal, terminal } = context
  const files = await openSnapshotFiles(repository, snapshot, { signal })
  await using set = await openBackupSet(files, {
    password: () => backupPasswordFor(options, context),
    tempFolder: await tempFolderOf(context),
    signal,
  })
  if (set.status.snapshotState !== 'finished') terminal.err('Warning: the phone did not finish this backup.')
  const findings: ExtractFinding[] = []
  const report = await extractFiles(set, options.to, {
    domain: options.domain,
    path: options.path?.replaceAll(/^\/+|\/+$/g, ''),
    signal,
    onProgress: progressOf(context),
    onFinding: (finding) => findings.push(finding),
  })
  if (report.files + report.folders + report.links + findings.length === 0) throw nothingSelected()
  printResult(context, {
    json: options.json,
    result: { snapshot: snapshot.id, target: options.to, ...report, findings },
    lines: () => [
      ...findings.map(lineOf),
      `Restored ${countOf(report.files, 'file')} (${formatSize(report.bytes)}) of snapshot ${snapshot.id.slice(0, 8)} to ${options.to}.`,
    ],
  })
  return findings.filter(({ kind }) => kind === 'not-written' || kind === 'altered').length
}

function progressOf({ terminal, clock }: Context): (done: { files: number; bytes: number }) => void {
  const progress = openProgress(terminal, clock)
  return ({ files, bytes }) => progress.show({ doing: 'writing', amount: amountOf(files, bytes) })
}

const WORDS: Readonly<Record<ExtractFinding['kind'], string>> = {
  'not-written': 'NOT RESTORED',
  altered: 'PERHAPS DAMAGED',
  renamed: 'renamed',
  'link-left-out': 'link left out',
}

function lineOf({ kind, name, saw }: ExtractFinding): string {
  return `${WORDS[kind]}: ${plainText(name)}: ${plainText(saw)}`
}

function nothingSelected() {
  return badUsage(
    'The backup has nothing of this domain and path',
    'Write them as the phone does, such as --domain HomeDomain --path Library/SMS; capitals count',
  )
}
