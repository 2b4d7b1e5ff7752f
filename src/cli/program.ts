import { Command } from 'commander'
import { VERSION } from '../base/version.ts'
import { addApps } from './commands/apps.ts'
import { addBackup } from './commands/backup.ts'
import { addCheck } from './commands/check.ts'
import { addCloud } from './commands/cloud.ts'
import { addCopy } from './commands/copy.ts'
import { addCrashes } from './commands/crashes.ts'
import { addDemo } from './commands/demo.ts'
import { addDoctor } from './commands/doctor.ts'
import { addEncryption } from './commands/encryption.ts'
import { addForget } from './commands/forget.ts'
import { addInfo } from './commands/info.ts'
import { addInit } from './commands/init.ts'
import { addKey } from './commands/key.ts'
import { addLogs } from './commands/logs.ts'
import { addPair } from './commands/pair.ts'
import { addPhones } from './commands/phones.ts'
import { addPrune } from './commands/prune.ts'
import { addRepair } from './commands/repair.ts'
import { addRestart } from './commands/restart.ts'
import { addRestore } from './commands/restore.ts'
import { addSnapshots } from './commands/snapshots.ts'
import { addStats } from './commands/stats.ts'
import { addUnlock } from './commands/unlock.ts'
import { addVirtualPhone } from './commands/virtual-phone.ts'
import { addWifi } from './commands/wifi.ts'
import type { Context } from './context.ts'

/** Adds one command, which each file in `commands/` declares. */
type AddCommand = (program: Command, context: Context) => void

/** As the help shows them. */
const GROUPS: readonly (readonly [heading: string, commands: readonly AddCommand[]])[] = [
  ['When something is wrong:', [addDoctor]],
  ['Backups:', [addInit, addBackup, addSnapshots, addRestore, addCheck, addRepair]],
  ['Room, keys, copies:', [addForget, addPrune, addCopy, addKey, addUnlock, addStats]],
  ['Phones:', [addPhones, addPair, addWifi, addEncryption, addCloud, addRestart]],
  ['What is on a phone:', [addInfo, addApps, addLogs, addCrashes]],
  ['To try it out:', [addDemo, addVirtualPhone]],
]

/** The whole command line. Parsing throws commander's errors instead of ending the process. */
export function createProgram(context: Context): Command {
  const program = new Command('phonekeep')
    .description('Backs up iPhones and iPads into restic repositories')
    .version(VERSION)
    .showHelpAfterError('(see "phonekeep help")')
    .exitOverride()
  for (const [heading, commands] of GROUPS) {
    program.commandsGroup(heading)
    for (const add of commands) add(program, context)
  }
  program.commandsGroup('Help:').helpCommand(true)
  for (const command of program.commands) command.showHelpAfterError(`(see "phonekeep help ${command.name()}")`)
  return program
}
