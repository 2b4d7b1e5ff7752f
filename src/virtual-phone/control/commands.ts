import { ADAPTERS, type ConditionState, POWERS, REACTIONS } from '../condition/index.ts'
import { noise } from '../contents/index.ts'
import { badCommand } from '../errors.ts'
import { parseFault } from '../faults/index.ts'
import type { Fields } from '../fields.ts'
import { parseSetting } from '../lockdown/setting.ts'
import type { VirtualPhone } from '../phone.ts'

/** The cable between the phone and the computer. */
export interface Cable {
  readonly isPlugged: boolean
  plugIn(): void
  unplug(): void
}

export interface Controlled {
  readonly phone: VirtualPhone
  readonly cable: Cable
}

/**
 * Reads a command's fields, and returns what carries it out. Reading throws what the fields complain with; acting throws
 * `virtual-phone.bad-command` for what cannot be now.
 */
type Command = (fields: Fields, controlled: Controlled) => () => void

/** What can be done to the phone from outside, by name. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['lock', simply(({ phone }) => phone.condition.lock())],
  ['unlock', unlock],
  ['passcode', answerSheet],
  ['trust', answerTrust],
  ['restart', simply(({ phone }) => phone.restart())],
  ['forget-hosts', simply(({ phone }) => phone.forgetHosts())],
  ['plug-in', simply((controlled) => plug(controlled, true))],
  ['unplug', simply((controlled) => plug(controlled, false))],
  ['condition', setCondition],
  ['change', changeContents],
  ['set', setValue],
  ['unset', unsetValue],
  ['cloud-backup', endCloudBackup],
  ['app-data', growApp],
  ['notification', postNotification],
  ['log', writeLog],
  ['fault', addFault],
])

/** A command without fields. */
function simply(act: (controlled: Controlled) => void): Command {
  return (_, controlled) => () => act(controlled)
}

/** The cable to a computer charges the phone, too. */
function plug({ phone, cable }: Controlled, isIn: boolean): void {
  if (isIn) cable.plugIn()
  else cable.unplug()
  phone.condition.set({ power: isIn ? 'charging' : 'battery' })
}

const PASSCODE_LENGTH_MAX = 100

/** The right one unless given. */
function readPasscode(fields: Fields): { passcode?: string } {
  return fields.optional('passcode', (name) => fields.text(name, { lengthMax: PASSCODE_LENGTH_MAX }))
}

function wrongPasscode() {
  return badCommand('That is not the passcode')
}

function unlock(fields: Fields, { phone }: Controlled) {
  const typed = readPasscode(fields)
  return () => {
    if (!phone.condition.unlock(typed)) throw wrongPasscode()
  }
}

function answerSheet(fields: Fields, { phone }: Controlled) {
  const answer = fields.oneOf('answer', ['enter', 'cancel'])
  const { passcode } = readPasscode(fields)
  const { passcodeSheet } = phone.condition
  return () => {
    if (!passcodeSheet.isShown) throw badCommand('The phone does not ask for its passcode now')
    if (answer === 'cancel') passcodeSheet.cancel()
    else if (!passcodeSheet.enter(passcode)) throw wrongPasscode()
  }
}

function answerTrust(fields: Fields, { phone }: Controlled) {
  const answer = fields.oneOf('answer', ['accept', 'refuse'])
  const typed = readPasscode(fields)
  const { trustDialog } = phone.condition
  return () => {
    if (!trustDialog.isShown) throw badCommand('The phone does not ask whether to trust a computer now')
    if (answer === 'refuse') trustDialog.refuse()
    else if (!trustDialog.accept(typed)) throw wrongPasscode()
  }
}

/** A century. */
const CLOCK_AHEAD_MS_MAX = 100 * 365 * 86_400_000

/** Any fields of `ConditionState`; an empty passcode takes it away. */
function setCondition(fields: Fields, { phone }: Controlled) {
  const { passcode } = readPasscode(fields)
  const change: Partial<ConditionState> = {
    ...readFlags(fields),
    ...(passcode !== undefined && { passcode: passcode === '' ? undefined : passcode }),
    ...fields.optional('trust', (name) => fields.oneOf(name, REACTIONS)),
    ...fields.optional('passcodePrompt', (name) => fields.oneOf(name, REACTIONS)),
    ...fields.optional('power', (name) => fields.oneOf(name, POWERS)),
    ...fields.optional('adapter', (name) => fields.oneOf(name, ADAPTERS)),
    ...fields.optional('organization', (name) => fields.text(name, { lengthMax: 100 })),
    ...fields.optional('profiles', (name) => fields.whole(name, { max: 1000 })),
    ...fields.optional('clockAheadMs', (name) =>
      fields.whole(name, { min: -CLOCK_AHEAD_MS_MAX, max: CLOCK_AHEAD_MS_MAX }),
    ),
    ...fields.optional('batteryPercent', (name) => fields.whole(name, { max: 100 })),
    ...fields.optional('freeBytes', (name) => fields.whole(name)),
  }
  return () => phone.condition.set(change)
}

const FLAGS = [
  'isLocked',
  'isUnlockedSinceBoot',
  'isOnWifi',
  'isFindMyOn',
  'isSetUp',
  'forbidsBackup',
  'forbidsCloudBackup',
  'requiresEncryption',
  'forbidsPairing',
  'isSupervised',
  'isSyncing',
  'hasCloudAccount',
  'isCloudProvisioned',
  'isCloudSwitchStuck',
  'isRestoringFromCloud',
  'mayBeErased',
  'admitsBeforeFirstUnlock',
] as const satisfies readonly (keyof ConditionState)[]

function readFlags(fields: Fields): { [Flag in (typeof FLAGS)[number]]?: boolean } {
  const flags: ReturnType<typeof readFlags> = {}
  for (const flag of FLAGS) if (fields.has(flag)) flags[flag] = fields.boolean(flag)
  return flags
}

/** A phone has no more files than this. */
const FILES_MAX = 5_000_000

function changeContents(fields: Fields, { phone }: Controlled) {
  const { contents } = phone
  const count = (name: string) => fields.whole(name, { max: FILES_MAX })
  const counts = {
    seed: contents.revision.edits,
    ...fields.optional('seed', (name) => fields.whole(name)),
    ...fields.optional('add', count),
    ...fields.optional('rewrite', count),
    ...fields.optional('move', count),
    ...fields.optional('remove', count),
  }
  return () => contents.change(counts)
}

/** `DOMAIN:KEY=VALUE`, as `--set` has it. */
function setValue(fields: Fields, { phone }: Controlled) {
  const { domain, key, value } = parseSetting(fields.text('setting', { lengthMax: 16_384 }))
  return () => phone.values.set(domain, key, value)
}

/** `DOMAIN:KEY` */
function unsetValue(fields: Fields, { phone }: Controlled) {
  const { domain, key } = parseSetting(`${fields.text('value', { lengthMax: 1000 })}=`)
  return () => phone.values.remove(domain, key)
}

/** Ends well without a code. */
function endCloudBackup(fields: Fields, { phone }: Controlled) {
  const ending = fields.optional('code', (name) => fields.whole(name, { min: 1, max: 10_000 }))
  return () => phone.endCloudBackup(ending)
}

const APP_BYTES_MAX = 2 ** 44

/** An app keeps one more file, whose bytes are made when somebody reads them. */
function growApp(fields: Fields, { phone }: Controlled) {
  const app = fields.text('app', { lengthMax: 200 })
  const size = fields.whole('bytes', { max: APP_BYTES_MAX })
  if (!phone.contents.apps.some(({ bundleId }) => bundleId === app)) throw badCommand(`There is no app ${app}`)
  const place = { domain: `AppDomain-${app}`, relativePath: 'Documents/grown.bin' }
  return () => phone.contents.rewrite(place, { source: noise, seed: size, size })
}

function postNotification(fields: Fields, { phone }: Controlled) {
  const name = fields.text('name', { lengthMax: 1000 })
  return () => phone.post(name)
}

function writeLog(fields: Fields, { phone }: Controlled) {
  const short = (name: string) => fields.text(name, { lengthMax: 200 })
  const line = {
    process: short('process'),
    text: fields.text('text', { lengthMax: 10_000 }),
    ...fields.optional('subsystem', short),
    ...fields.optional('category', short),
  }
  return () => phone.log(line)
}

function addFault(fields: Fields, { phone }: Controlled) {
  const fault = parseFault(fields)
  return () => phone.faults.add(fault)
}
