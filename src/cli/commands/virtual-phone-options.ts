import type { Clock } from '../../base/clock.ts'
import {
  type ConditionState,
  openFolderContents,
  openSeededContents,
  PERSONALITIES,
  type PhoneContents,
  type Reaction,
} from '../../virtual-phone/index.ts'
import type { Context } from '../context.ts'
import { badUsage } from '../errors.ts'
import { parseSize } from '../words.ts'

/** As commander gives them: texts that nobody has looked at. */
export interface VirtualPhoneOptions {
  readonly listen: string
  readonly seed: string
  readonly files: string
  readonly bytes: string
  readonly contents?: string
  readonly personality?: string
  readonly model?: string
  readonly ios?: string
  readonly name?: string
  readonly passcode?: string
  readonly locked?: boolean
  readonly trust: Reaction
  readonly passcodePrompt: Reaction
  readonly encryption?: string
  readonly faults?: string
  readonly bonjour?: true | string
  readonly control?: boolean
  readonly set?: readonly string[]
  readonly change?: string
}

/** The phone's state at its start. */
export function conditionOf({
  passcode,
  locked = false,
  trust,
  passcodePrompt,
}: VirtualPhoneOptions): Partial<ConditionState> {
  if (locked && passcode === undefined)
    throw badUsage('A phone without a passcode is never really locked', 'Give --passcode, too')
  return { passcode, isLocked: locked, trust, passcodePrompt }
}

/** The UDP port of `--bonjour`. */
export function parsePort(text: string): number {
  const port = wholeNumber('--bonjour', text)
  if (port < 1 || port > 65_535) throw badUsage(`${port} is no UDP port`, 'Leave it out for 5353')
  return port
}

/** What the phone holds: a folder, or files made from the seed. */
export async function openContents(options: VirtualPhoneOptions, { clock, signal }: Context): Promise<PhoneContents> {
  if (options.contents !== undefined) return await openFolderContents({ folder: options.contents, clock, signal })
  return openSeeded(options, clock)
}

/** Each costs some 250 bytes of memory. */
const FILES_MAX = 5_000_000

function openSeeded({ seed, files, bytes, personality, ios }: VirtualPhoneOptions, clock: Clock): PhoneContents {
  const count = wholeNumber('--files', files)
  if (count < 1 || count > FILES_MAX) {
    throw badUsage(`A phone cannot have ${count} files`, `Choose 1 to ${FILES_MAX.toLocaleString('en-US')}`)
  }
  const version = ios ?? PERSONALITIES.find(({ name }) => name === personality)?.ios ?? '18.5'
  return openSeededContents({
    seed: wholeNumber('--seed', seed),
    files: count,
    bytes: parseSize(bytes),
    ios: version,
    clock,
  })
}

/** Throws `cli.usage` that names the option. */
export function wholeNumber(option: string, text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw badUsage(`${option} wants a whole number, got "${text}"`, 'Write digits only')
  return value
}

/** `127.0.0.1:27015`, `[::1]:0` (port 0: any free one), or the path of a Unix socket. */
export function parseListen(text: string): { host: string; port: number } | { path: string } {
  const path = /^(?:UNIX:)?(\/.*)$/.exec(text)?.[1]
  if (path !== undefined) return { path }
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port > 65_535)
    throw badUsage(
      `"${text}" is no address to listen on`,
      'Write it like 127.0.0.1:27015, [::1]:27015 or /run/phone.sock',
    )
  return { host, port }
}

/** How many files are added, rewritten, moved and removed. */
export interface Changes {
  readonly add: number
  readonly rewrite: number
  readonly move: number
  readonly remove: number
}

/** `add=3,rewrite=5,move=2,remove=1`, each part optional. */
export function parseChange(text: string): Changes {
  const changes = { add: 0, rewrite: 0, move: 0, remove: 0 }
  for (const part of text.split(',')) {
    const [, kind, count] = /^(add|rewrite|move|remove)=(\d+)$/.exec(part.trim()) ?? []
    if (kind === undefined) throw badUsage(`"${part}" is no change`, 'Write it like add=3,rewrite=5,move=2,remove=1')
    changes[kind as keyof Changes] = Number(count)
  }
  return changes
}
