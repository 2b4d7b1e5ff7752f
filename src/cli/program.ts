import { Argument, Command, Option } from 'commander'
import { VERSION } from '../base/version.ts'
import { LOG_LEVELS } from '../device/index.ts'
import { RESTORE_CHECKS } from '../run/index.ts'
import { REACTIONS, type Reaction } from '../virtual-phone/index.ts'
import { withBackupPasswordOption } from './backup-password.ts'
import { apps } from './commands/apps.ts'
import { backup } from './commands/backup.ts'
import { check } from './commands/check.ts'
import { cloud } from './commands/cloud.ts'
import { crashes } from './commands/crashes.ts'
import { demo } from './commands/demo.ts'
import { encryption } from './commands/encryption.ts'
import { info } from './commands/info.ts'
import { init } from './commands/init.ts'
import { logs } from './commands/logs.ts'
import { pair } from './commands/pair.ts'
import { phones } from './commands/phones.ts'
import { restart } from './commands/restart.ts'
import { restore } from './commands/restore.ts'
import { snapshots } from './commands/snapshots.ts'
import { virtualPhone } from './commands/virtual-phone.ts'
import { wifi } from './commands/wifi.ts'
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
  addServiceCommands(program, context)
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
    .command('wifi')
    .description('let a phone be reached over Wi-Fi, or no longer; the first time by cable')
    .addArgument(new Argument('<state>', 'on or off').choices(['on', 'off']))
    .argument('[udid]', UDID)
    .option(...JSON_OPTION)
    .action((state, udid, options) => wifi(state, udid, options, context))
  program
    .command('cloud')
    .description('switch iCloud Backup of a phone on or off')
    .addArgument(new Argument('<state>', 'on or off').choices(['on', 'off']))
    .argument('[udid]', UDID)
    .option(...JSON_OPTION)
    .action((state, udid, options) => cloud(state, udid, options, context))
  withBackupPasswordOption(program.command('encryption'))
    .description('set, change or remove the password that a phone encrypts its backups with')
    .addArgument(new Argument('<change>', 'on, change or off').choices(['on', 'change', 'off']))
    .argument('[udid]', UDID)
    .option('--new-backup-password-file <file>', 'with "change": the new one (or PHONEKEEP_NEW_BACKUP_PASSWORD)')
    .option(...JSON_OPTION)
    .action((change, udid, options) => encryption(change, udid, options, context))
  program
    .command('info')
    .description('show what a phone says of itself')
    .argument('[udid]', UDID)
    .option('--domain <domain>', 'the values of one domain, such as com.apple.mobile.battery')
    .option('--key <key>', 'one value')
    .option(...JSON_OPTION)
    .action((udid, options) => info(udid, options, context))
}

function addServiceCommands(program: Command, context: Context): void {
  program
    .command('restart')
    .description('restart a phone')
    .argument('[udid]', UDID)
    .option('--yes', 'do not ask')
    .option(...JSON_OPTION)
    .action((udid, options) => restart(udid, options, context))
  program
    .command('logs')
    .description('show what the programs on a phone say, until told to stop')
    .argument('[udid]', UDID)
    .option('--process <name>', 'of this program only, such as backupd')
    .addOption(new Option('--level <level>', 'this one and what matters more').choices(LOG_LEVELS))
    .action((udid, options) => logs(udid, options, context))
  program
    .command('apps')
    .description('list the apps of a phone, the largest first')
    .argument('[udid]', UDID)
    .option(...JSON_OPTION)
    .action((udid, options) => apps(udid, options, context))
  program
    .command('crashes')
    .description('list the crash reports of a phone')
    .argument('[udid]', UDID)
    .option('--save <folder>', 'copy them there; nothing is removed from the phone')
    .option(...JSON_OPTION)
    .action((udid, options) => crashes(udid, options, context))
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
  withBackupPasswordOption(withRepositoryOptions(program.command('restore')))
    .description('write a snapshot into an empty folder, or to a phone')
    .argument('<snapshot>', 'the beginning of its ID, or "latest"')
    .option('--to <folder>', 'the folder; made if it is not there')
    .option('--files', "decrypted, by domain and path as on the phone, instead of in Apple's layout")
    .option('--domain <domain>', 'with --files: of this domain only, such as CameraRollDomain')
    .option('--path <path>', 'with --files: this path of a domain, and what is below it, only')
    .option('--to-phone <udid>', 'the phone, whose content is overwritten; all checks come first')
    .option('--dry-run', 'with --to-phone: only the checks')
    .option('--remove-items-not-restored', 'with --to-phone: delete what the snapshot does not have')
    .option('--preserve-settings', "with --to-phone: keep the phone's own settings")
    .option('--no-system-files', 'with --to-phone: apps and their data only')
    .option('--app <bundle ids...>', 'with --to-phone: the data of these apps only')
    .option('--copy', 'with --to-phone: let the phone go through its copying of a backup; the copy is not kept')
    .option('--no-reboot', 'with --to-phone: leave the restart to a person')
    .addOption(
      new Option('--despite <checks...>', 'with --to-phone: go on although these say stop').choices(RESTORE_CHECKS),
    )
    .option('--yes', 'with --to-phone: do not ask')
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

function reaction(flags: string, what: string, preset: Reaction): Option {
  return new Option(flags, what).choices(REACTIONS).default(preset)
}

function addVirtualPhone(program: Command, context: Context): void {
  const collect = (value: string, before: readonly string[] = []) => [...before, value]
  program
    .command('virtual-phone')
    .description('run a phone made of software until told to stop')
    .option('--listen <address>', 'host:port (port 0: any free one) or the path of a Unix socket', '127.0.0.1:0')
    .option('--seed <number>', 'the same seed always makes the same phone', '1')
    .option('--files <count>', 'how many files it has', '500')
    .option('--bytes <size>', 'how large they are together', '64MiB')
    .option('--contents <folder>', 'what it holds: an unencrypted backup folder of a phone')
    .option('--personality <name>', 'a model and its iOS, such as iphone-6s-ios12; "list" shows all')
    .option('--model <type>', 'such as iPhone15,4')
    .option('--ios <version>', 'such as 18.7')
    .option('--name <name>', 'what its owner calls it')
    .option('--passcode <digits>', 'its passcode; it has none unless given')
    .option('--locked', 'its screen is locked')
    .addOption(reaction('--trust <reaction>', 'what happens when a computer asks to be trusted', 'accept'))
    .addOption(reaction('--passcode-prompt <reaction>', 'what happens when it asks for its passcode', 'ask'))
    .option('--encryption <password>', 'its backup password')
    .option('--faults <file>', 'what is to go wrong: a script as in docs/virtual-phone.md')
    .option('--bonjour [port]', 'reachable over Wi-Fi, too, on this machine; UDP port of multicast DNS, 5353')
    .option('--control', 'open an HTTP address for seeing its state and acting on it')
    .option('--set <DOMAIN:KEY=VALUE>', 'a value of lockdownd; may be given several times', collect)
    .option('--change <counts>', 'after every backup: add=3,rewrite=5,move=2,remove=1')
    .action((options) => virtualPhone(options, context))
  program
    .command('demo')
    .description('back a virtual phone up twice, to see how it goes')
    .action(() => demo(context))
}
