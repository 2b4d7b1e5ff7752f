import { Command } from 'commander'
import { VERSION } from '../base/version.ts'
import { backup } from './commands/backup.ts'
import { check } from './commands/check.ts'
import { demo } from './commands/demo.ts'
import { info } from './commands/info.ts'
import { init } from './commands/init.ts'
import { pair } from './commands/pair.ts'
import { phones } from './commands/phones.ts'
import { restore } from './commands/restore.ts'
import { snapshots } from './commands/snapshots.ts'
import { virtualPhone } from './commands/virtual-phone.ts'
import type { Context } from './context.ts'
import { withRepositoryOptions } from './repositories.ts'

const UDID = 'the phone; not needed when only one is connected'
const JSON_OPTION = ['--json', 'print the result as JSON'] as const

/** The whole command line. Parsing throws commander's errors instead of ending the process. */
export function createProgram(context: Context): Command {
  const program = new Command('phonekeep')
    .description('Backs up iPhones and iPads into restic repositories')
    .version(VERSION)
    .showHelpAfterError('(see "phonekeep help")')
    .exitOverride()
  addPhoneCommands(program, context)
  addRepositoryCommands(program, context)
  addVirtualPhone(program, context)
  return program
}

function addPhoneCommands(program: Command, context: Context): void {
  program
    .command('phones')
    .description('list the phones that are connected')
    .option(...JSON_OPTION)
    .action((options) => phones(options, context))
  program
    .command('pair')
    .description('pair with a phone and wait for "Trust"')
    .argument('[udid]', UDID)
    .option(...JSON_OPTION)
    .action((udid, options) => pair(udid, options, context))
  program
    .command('info')
    .description('show what a phone says of itself')
    .argument('[udid]', UDID)
    .option('--domain <domain>', 'the values of one domain, such as com.apple.mobile.battery')
    .option('--key <key>', 'one value')
    .option(...JSON_OPTION)
    .action((udid, options) => info(udid, options, context))
}

function addRepositoryCommands(program: Command, context: Context): void {
  withRepositoryOptions(program.command('init'))
    .description('make a repository')
    .option(...JSON_OPTION)
    .action((options) => init(options, context))
  withRepositoryOptions(program.command('backup'))
    .description('back a phone up into a new snapshot')
    .argument('[udid]', UDID)
    .option('--allowance <size>', 'most room the repository may take, such as 50GiB')
    .option(...JSON_OPTION)
    .action((udid, options) => backup(udid, options, context))
  withRepositoryOptions(program.command('snapshots'))
    .description('list the snapshots')
    .option(...JSON_OPTION)
    .action((options) => snapshots(options, context))
  withRepositoryOptions(program.command('restore'))
    .description('write a snapshot into an empty folder')
    .argument('<snapshot>', 'the beginning of its ID, or "latest"')
    .requiredOption('--to <folder>', 'the folder; made if it is not there')
    .option('--host <host>', 'with "latest": of this host only')
    .option(...JSON_OPTION)
    .action((snapshot, options) => restore(snapshot, options, context))
  withRepositoryOptions(program.command('check'))
    .description('verify the repository')
    .option('--read-data', 'read every byte, not only what leads to it')
    .option('--no-lock', 'for a repository that cannot be written')
    .option(...JSON_OPTION)
    .action((options) => check(options, context))
}

function addVirtualPhone(program: Command, context: Context): void {
  const collect = (value: string, before: readonly string[] = []) => [...before, value]
  program
    .command('virtual-phone')
    .description('run a phone made of software until told to stop')
    .requiredOption('--listen <address>', 'host:port (port 0: any free one) or the path of a Unix socket')
    .option('--seed <number>', 'the same seed always makes the same phone', '1')
    .option('--files <count>', 'how many files it has', '500')
    .option('--bytes <size>', 'how large they are together', '64MiB')
    .option('--contents <folder>', 'what it holds: an unencrypted backup folder of a phone')
    .option('--model <type>', 'such as iPhone15,4')
    .option('--ios <version>', 'such as 18.7')
    .option('--name <name>', 'what its owner calls it')
    .option('--set <DOMAIN:KEY=VALUE>', 'a value of lockdownd; may be given several times', collect)
    .option('--change <counts>', 'after every backup: add=3,rewrite=5,move=2,remove=1')
    .action((options) => virtualPhone(options, context))
  program
    .command('demo')
    .description('back a virtual phone up twice, to see how it goes')
    .action(() => demo(context))
}
