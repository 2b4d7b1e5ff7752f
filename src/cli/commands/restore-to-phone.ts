import { type Command, Option } from 'commander'
import type { Secret } from '../../base/secret.ts'
import { type Snapshot, shortId } from '../../repository/index.ts'
import {
  checkRestore,
  RESTORE_CHECKS,
  type RestoreCheck,
  type RestoreCheckName,
  type RestoreCheckOptions,
  type RestoreEvent,
  type RestoreToPhoneOptions,
  refuseStopped,
  restoreToPhone,
} from '../../run/index.ts'
import { backupPasswordFor } from '../backup-password.ts'
import { askConsent } from '../consent.ts'
import { type Context, printResult } from '../context.ts'
import { narrateWaiting } from '../phone-words.ts'
import { meetPhone } from '../phones.ts'
import { lockOwner, tempFolderOf } from '../repositories.ts'
import { openProgress, type Progress } from '../terminal.ts'
import { amountOf, countOf, formatDuration, formatSize, formatTime, plainText, sentence } from '../words.ts'
import type { FoundSnapshot, RestoreOptions } from './restore.ts'

/** What a person may say about a restore to a phone; what each means for the phone is told in the help. */
export interface ToPhoneOptions {
  readonly toPhone?: string
  readonly removeItemsNotRestored?: boolean
  readonly preserveSettings?: boolean
  readonly app?: readonly string[]
  readonly copy?: boolean
  /** `--no-system-files` and `--no-reboot` make these false. */
  readonly systemFiles?: boolean
  readonly reboot?: boolean
  readonly despite?: readonly RestoreCheckName[]
  readonly dryRun?: boolean
  readonly yes?: boolean
}

/** Options that would be passed over where a folder is restored to are refused there: more would happen than was meant. */
export function withToPhoneOptions(command: Command): Command {
  const option = (flags: string, what: string) => new Option(flags, what).conflicts(['to', 'files', 'domain', 'path'])
  return command
    .addOption(option('--to-phone <udid>', 'the phone, whose content is overwritten; all checks come first'))
    .addOption(option('--dry-run', 'only the checks'))
    .addOption(option('--remove-items-not-restored', 'delete from the phone what the snapshot does not have'))
    .addOption(option('--preserve-settings', "keep the phone's own settings"))
    .addOption(option('--no-system-files', 'apps and their data only'))
    .addOption(option('--app <bundle ids...>', 'the data of these apps only'))
    .addOption(option('--copy', 'let the phone go through its copying of a backup; the copy is not kept'))
    .addOption(option('--no-reboot', 'leave the restart to a person'))
    .addOption(option('--despite <checks...>', 'go on although these checks say stop').choices(RESTORE_CHECKS))
    .addOption(option('--yes', 'do not ask'))
}

/** `phonekeep restore --to-phone`: checks, asks, and turns a phone into what a snapshot holds. */
export async function restoreSnapshotToPhone(
  { repository, snapshot }: FoundSnapshot,
  { udid, ...options }: RestoreOptions & { readonly udid: string },
  context: Context,
): Promise<void> {
  const { clock, signal, terminal } = context
  const { phone, name } = await meetPhone(udid, context)
  const tempFolder = await tempFolderOf(context)
  const what = { phone, repository, snapshot, password: askedOnce(options, context), tempFolder, signal }
  const whose = nameOfSnapshot(snapshot)
  terminal.err(`Looking at ${whose} and at ${name}; with many files this takes a while.`)
  if (options.dryRun) return await dryRun(what, options, context)
  const narrate = narrateRestore(openProgress(terminal, clock), name)
  let isAsked = false
  const restoring = restoreToPhone({
    ...what,
    owner: await lockOwner(context),
    clock,
    options: protocolOptions(options),
    despite: options.despite,
    agree: () => askConsent(questionFor(name, whose, options), { yes: options.yes, signal }),
    onEvent: (event) => {
      if (event.kind === 'restoring') isAsked = true
      narrate(event)
    },
  })
  const { elapsedMs, ...restored } = await restoring.catch((error: unknown) => {
    if (isAsked) terminal.err(`${name} is not restored. A restore that is started again begins anew.`)
    throw error
  })
  const { sentFiles, sentBytes } = restored
  printResult(context, {
    json: options.json,
    result: { snapshot: snapshot.id, udid: phone.udid, ...restored, seconds: Math.round(elapsedMs) / 1000 },
    lines: () => [
      `${name} is restored: ${countOf(sentFiles, 'file')} (${formatSize(sentBytes)}) in ${formatDuration(elapsedMs)}.`,
      options.reboot === false
        ? 'Nothing of it shows before the phone is restarted.'
        : 'It restarts now. Keep it on power and on Wi-Fi: it installs its apps again from the App Store.',
    ],
  })
}

/** Shows the checks, and ends as the restore would. */
async function dryRun(what: RestoreCheckOptions, { json, despite }: RestoreOptions, context: Context): Promise<void> {
  const checks = await checkRestore(what)
  const result = { snapshot: what.snapshot.id, udid: what.phone.udid, checks }
  printResult(context, { json, result, lines: () => checks.map(lineOf) })
  refuseStopped(checks, despite)
}

/** The password is needed to check and again to restore; a person is asked once. */
function askedOnce(options: RestoreOptions, context: Context): () => Promise<Secret> {
  let asked: Promise<Secret> | undefined
  return () => {
    asked ??= backupPasswordFor(options, context)
    return asked
  }
}

function protocolOptions(options: ToPhoneOptions): NonNullable<RestoreToPhoneOptions['options']> {
  return {
    removeItemsNotRestored: options.removeItemsNotRestored ?? false,
    restorePreserveSettings: options.preserveSettings ?? false,
    restoreSystemFiles: options.systemFiles ?? true,
    restoreShouldReboot: options.reboot ?? true,
    restoreDontCopyBackup: options.copy !== true,
    applicationIds: options.app,
  }
}

/** So that a person sees whose backup it is, and how old: `snapshot 434fb057 of 2026-11-22 18:35:02 (Ana, iOS 18.5)`. */
function nameOfSnapshot({ id, time, tags = [] }: Snapshot): string {
  return `snapshot ${shortId(id)} of ${formatTime(time)}${tags.length === 0 ? '' : ` (${plainText(tags.join(', '))})`}`
}

function questionFor(name: string, whose: string, { removeItemsNotRestored }: ToPhoneOptions): string {
  const rest = removeItemsNotRestored ? ', and deletes from it what the snapshot does not have' : ''
  return `This overwrites what is on ${name} with ${whose}${rest}. Go on?`
}

const MARKS = { ok: 'ok  ', warn: 'note', stop: 'STOP' } as const

function lineOf(check: RestoreCheck): string {
  const remedy = check.verdict === 'ok' ? '' : ` ${plainText(check.remedy)}. [${check.check}]`
  return `${MARKS[check.verdict]}  ${plainText(check.saw)}.${remedy}`
}

function narrateRestore(progress: Progress, name: string): (event: RestoreEvent) => void {
  const narrateOther = narrateWaiting(name, progress.say)
  const sent = { files: 0, bytes: 0 }
  let fraction: number | undefined
  const show = () => {
    const amount = amountOf(sent.files, sent.bytes)
    progress.show({ doing: `restoring ${name}`, amount, ...(fraction !== undefined && { fraction }) })
  }

  return (event) => {
    switch (event.kind) {
      case 'index-damaged':
        progress.say(`Warning: ${sentence(event.error.message)}`)
        return
      case 'left-behind':
        progress.say(`Warning: something could not be removed from the store. ${sentence(event.error.message)}`)
        return
      case 'checked':
        progress.say(lineOf(event.check))
        return
      case 'sent':
        sent.bytes += event.bytes
        return show()
      case 'file-sent':
        sent.files += 1
        return show()
      case 'progress':
        fraction = event.percent / 100
        return show()
      case 'restoring':
        return
      default:
        narrateOther(event)
    }
  }
}
