import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { Secret } from '../../base/secret.ts'
import { checkRepository, createRepository, openLocalBackend } from '../../repository/index.ts'
import { openMuxServer, openSeededContents, openVirtualPhone } from '../../virtual-phone/index.ts'
import { checkLines } from '../check-words.ts'
import type { Context } from '../context.ts'
import { backUpOne, runLines } from '../one-run.ts'

export function addDemo(program: Command, context: Context): void {
  program
    .command('demo')
    .description('back a virtual phone up twice, to see how it goes')
    .action(() => demo(context))
}

const PASSWORD = 'demo'
const SEED = 1
const IOS = '18.7'
const FILES = 1500
const BYTES = 160 * 2 ** 20
const CHANGES = { seed: SEED, add: 5, rewrite: 10, move: 3, remove: 2 }

/** `npm start`: everything once, from an unknown phone to a checked repository, without a phone. */
async function demo(context: Context): Promise<void> {
  const { clock, signal, terminal } = context
  const say = (lines: readonly string[]) => {
    for (const line of lines) terminal.tell(line)
  }
  const folder = await mkdtemp(join(tmpdir(), 'phonekeep-demo-'))

  const contents = openSeededContents({ seed: SEED, files: FILES, bytes: BYTES, ios: IOS, clock })
  await using phone = await openVirtualPhone({ contents, clock, seed: SEED, ios: IOS, name: "Ana's iPhone" })
  await using server = await openMuxServer({ phones: [phone], listen: { host: '127.0.0.1', port: 0 }, signal })
  say([`A virtual phone answers on ${server.address}.`])

  const environment = { ...context.environment, muxAddress: server.address, stateFolder: join(folder, 'state') }
  const backUpPhone = () =>
    backUpOne(repository, { udid: undefined, allowanceBytes: undefined, readBackBytes: 0 }, { ...context, environment })
  const repositoryFolder = join(folder, 'repository')
  const password = new Secret(PASSWORD)
  const repository = await createRepository(openLocalBackend(repositoryFolder), { password, clock, signal })

  say(['', 'First backup, everything:'])
  say(runLines(await backUpPhone()))
  phone.contents.change(CHANGES)
  say(['', `The phone was used: ${describeChanges()}.`, 'Second backup, only that:'])
  say(runLines(await backUpPhone()))
  say(['', 'Reading every byte of the repository back:'])
  say(checkLines(await checkRepository(repository, { readData: true, signal })))
  say(whatNext(folder, repositoryFolder))
}

function describeChanges(): string {
  const { add, rewrite, move, remove } = CHANGES
  return `${add} files came, ${rewrite} changed, ${move} were moved, ${remove} went`
}

function whatNext(folder: string, repositoryFolder: string): readonly string[] {
  return [
    '',
    `Everything is in ${folder}; delete it when you have seen enough.`,
    'Its repository is an ordinary restic repository:',
    `  export RESTIC_REPOSITORY=${repositoryFolder}`,
    `  export RESTIC_PASSWORD=${PASSWORD}`,
    '  restic snapshots',
    '',
    'The same with your own phone, plugged in here:',
    '  export RESTIC_REPOSITORY=/path/to/your/backups',
    '  export RESTIC_PASSWORD_FILE=/path/to/your/password',
    '  npx phonekeep init',
    '  npx phonekeep backup',
  ]
}
