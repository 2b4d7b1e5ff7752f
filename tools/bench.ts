import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Contest, hold, tableOf } from './bench/contest.ts'
import { database, smallFiles } from './bench/data-sets.ts'
import { type FolderSizes, folderContests } from './bench/folders.ts'
import { type BenchedPhone, phoneContests, startPhone } from './bench/phones.ts'
import { upkeepContests } from './bench/upkeep.ts'
import { ensureDebianPackages } from './debian-packages.ts'

/**
 * `npm run bench`: how long our way takes and how long others take, in one run on one machine, so that the ratios mean something
 * anywhere; the seconds do not. It takes five minutes, `-- --long` a night and 30 GB of disk. The tables go to
 * docs/benchmarks.md, each form to its own half. `-- photos` holds the contests only that have the word in their titles.
 */
interface Program {
  readonly name: string
  readonly rounds: number
  readonly folders: FolderSizes
  readonly phones: readonly (BenchedPhone & { readonly rounds: number })[]
}

const SHORT: Program = {
  name: 'The short form',
  rounds: 3,
  folders: { photoBytes: 5e8, smallFiles: 12_000, databaseBytes: 2e8 },
  phones: [
    { title: 'A phone with 60 photos and videos, 256 MiB', files: 60, bytes: '256MiB', rounds: 3 },
    { title: 'A phone with 5,000 small files, 50 MiB', files: 5_000, bytes: '50MiB', rounds: 3 },
  ],
}

const LONG: Program = {
  name: 'The long form',
  rounds: 3,
  folders: { photoBytes: 2e9, smallFiles: 50_000, databaseBytes: 1e9 },
  phones: [
    { title: 'A phone with 500 photos and videos, 2 GiB', files: 500, bytes: '2GiB', rounds: 3 },
    { title: 'A phone with 50,000 small files, 500 MiB', files: 50_000, bytes: '500MiB', rounds: 3 },
    {
      title: 'A phone with 1,300,000 files and a Manifest.db of 1.5 GB',
      files: 1_300_000,
      bytes: '400MiB',
      manifestBytes: 1_500_000_000,
      rounds: 1,
    },
  ],
}

const REPORT = new URL('../docs/benchmarks.md', import.meta.url)

if (!ensureDebianPackages()) process.exit(1)
const { values, positionals } = parseArgs({ allowPositionals: true, options: { long: { type: 'boolean' } } })
const program = values.long ? LONG : SHORT
const tables: string[] = []
await using work = await mkdtempDisposable(join(tmpdir(), 'phonekeep-bench-'))
await holdAll(await folderContests(await folder('folders'), program.folders), program.rounds)
await holdAll(await upkeepContests(await folder('upkeep'), await upkeepSets()), program.rounds)
for (const [n, phone] of program.phones.entries()) {
  const place = await folder(`phone-${n}`)
  await using running = await startPhone(phone, place)
  await holdAll(await phoneContests(phone, running, place), phone.rounds)
}
if (positionals.length === 0) await writeReport()

async function holdAll(contests: readonly Contest[], rounds: number): Promise<void> {
  for (const contest of contests) {
    if (!positionals.every((word) => contest.title.includes(word))) continue
    tables.push(tableOf(contest.title, await hold(contest, { rounds, say })))
  }
}

/** Small files and a database, and another year's of both. */
async function upkeepSets(): Promise<readonly [string, string]> {
  const { smallFiles: count, databaseBytes } = program.folders
  const [older, newer] = [await folder('older'), await folder('newer')]
  smallFiles(count / 2)(older)
  database(databaseBytes)(newer)
  smallFiles(count / 4)(newer)
  return [older, newer]
}

async function folder(name: string): Promise<string> {
  const path = join(work.path, name)
  await mkdir(path)
  return path
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function writeReport(): Promise<void> {
  const model = cpus()[0]?.model.trim()
  const machine = `${cpus().length} cores (${model}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}, Node ${process.version}.`
  const half = `## ${program.name}\n\n${machine} Medians of ${program.rounds} rounds.\n\n${tables.join('\n')}`
  const before = await readFile(REPORT, 'utf8')
  const heading = before.indexOf(`## ${program.name}\n`)
  const next = before.indexOf('\n## ', heading + 1)
  const after = next === -1 ? '' : before.slice(next + 1)
  await writeFile(REPORT, `${before.slice(0, heading)}${half}${after === '' ? '' : `\n${after}`}`)
}
