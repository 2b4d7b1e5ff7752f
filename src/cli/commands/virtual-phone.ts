import { readFile } from 'node:fs/promises'
import type { Clock } from '../../base/clock.ts'
import { Secret } from '../../base/secret.ts'
import {
  type ConditionState,
  type MuxServer,
  openCable,
  openControl,
  openFolderContents,
  openMuxServer,
  openSeededContents,
  openVirtualPhone,
  openWifi,
  PERSONALITIES,
  type PhoneContents,
  type PhoneEvent,
  parseFaultScript,
  parseSetting,
  type Reaction,
  type VirtualPhone,
} from '../../virtual-phone/index.ts'
import type { Context } from '../context.ts'
import { badUsage } from '../errors.ts'
import { countOf, formatSize, parseSize } from '../words.ts'

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

/** `phonekeep virtual-phone`: a phone made of software that runs until it is told to stop. */
export async function virtualPhone(options: VirtualPhoneOptions, context: Context): Promise<void> {
  if (options.personality === 'list') return listPersonalities(context)
  const { signal, terminal } = context
  const listen = parseListen(options.listen)
  await using phone = await openPhone(options, context)
  await using server = await openMuxServer({ phones: [phone], listen, signal })
  await using doors = await openDoors(options, { phone, server, signal })
  narrate(phone, context)
  const { address } = server
  terminal.out(JSON.stringify({ event: 'listening', address, udid: phone.udid, ...doors.addresses }))
  const { files, bytes } = phone.contents.totals
  terminal.err(`${countOf(files, 'file')}, ${formatSize(bytes)}. Use it with USBMUXD_SOCKET_ADDRESS=${address}`)
  for (const note of phone.contents.notes) terminal.err(note)
  await untilAborted(signal)
}

function listPersonalities({ terminal }: Context): void {
  for (const { name, model, ios, shows } of PERSONALITIES) terminal.out(`${name}: ${model}, iOS ${ios}; ${shows}`)
}

async function openPhone(options: VirtualPhoneOptions, context: Context): Promise<VirtualPhone> {
  const { personality, model, ios, name, encryption } = options
  const condition = conditionOf(options)
  const faults = options.faults === undefined ? [] : parseFaultScript(await readFile(options.faults, 'utf8'))
  const change = options.change === undefined ? undefined : parseChange(options.change)
  const phone = await openVirtualPhone({
    contents: await openContents(options, context),
    clock: context.clock,
    seed: wholeNumber('--seed', options.seed),
    condition,
    ...(personality !== undefined && { personality }),
    ...(model !== undefined && { model }),
    ...(ios !== undefined && { ios }),
    ...(name !== undefined && { name }),
    ...(encryption !== undefined && { encryption: { password: new Secret(encryption) } }),
  })
  phone.faults.add(...faults)
  for (const text of options.set ?? []) applySetting(phone, text)
  if (change !== undefined) changeAfterBackups(phone, change, context)
  return phone
}

function conditionOf({
  passcode,
  locked = false,
  trust,
  passcodePrompt,
}: VirtualPhoneOptions): Partial<ConditionState> {
  if (locked && passcode === undefined)
    throw badUsage('A phone without a passcode is never really locked', 'Give --passcode, too')
  return { passcode, isLocked: locked, trust, passcodePrompt }
}

/** Besides the mux server: the network, and the control address. */
async function openDoors(
  { bonjour, control }: VirtualPhoneOptions,
  { phone, server, signal }: { phone: VirtualPhone; server: MuxServer; signal: AbortSignal },
) {
  await using opened = new AsyncDisposableStack()
  const cable = opened.use(openCable(phone, server))
  const mdnsPort = bonjour === undefined ? undefined : parsePort(bonjour === true ? '5353' : bonjour)
  const wifi = mdnsPort === undefined ? undefined : opened.use(await openWifi(phone, { mdnsPort, signal }))
  const controls = control ? opened.use(await openControl({ phone, cable, signal })) : undefined
  const addresses = {
    ...(wifi !== undefined && { wifi: `${wifi.address}:${wifi.port}` }),
    ...(controls !== undefined && { control: controls.address }),
  }
  const rest = opened.move()
  return { addresses, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}

function parsePort(text: string): number {
  const port = wholeNumber('--bonjour', text)
  if (port < 1 || port > 65_535) throw badUsage(`${port} is no UDP port`, 'Leave it out for 5353')
  return port
}

async function openContents(options: VirtualPhoneOptions, { clock, signal }: Context): Promise<PhoneContents> {
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

function wholeNumber(option: string, text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw badUsage(`${option} wants a whole number, got "${text}"`, 'Write digits only')
  return value
}

/** `127.0.0.1:27015`, `[::1]:0` (port 0: any free one), or the path of a Unix socket. */
function parseListen(text: string): { host: string; port: number } | { path: string } {
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

function applySetting(phone: VirtualPhone, text: string): void {
  const { domain, key, value } = parseSetting(text)
  phone.values.set(domain, key, value)
}

interface Changes {
  readonly add: number
  readonly rewrite: number
  readonly move: number
  readonly remove: number
}

/** `add=3,rewrite=5,move=2,remove=1`, each part optional. */
function parseChange(text: string): Changes {
  const changes = { add: 0, rewrite: 0, move: 0, remove: 0 }
  for (const part of text.split(',')) {
    const [, kind, count] = /^(add|rewrite|move|remove)=(\d+)$/.exec(part.trim()) ?? []
    if (kind === undefined) throw badUsage(`"${part}" is no change`, 'Write it like add=3,rewrite=5,move=2,remove=1')
    changes[kind as keyof Changes] = Number(count)
  }
  return changes
}

/** When a backup has finished, the phone's owner goes on using it. */
function changeAfterBackups(phone: VirtualPhone, changes: Changes, { terminal }: Context): void {
  let round = 0
  phone.events.add(({ kind }) => {
    if (kind !== 'backed-up') return
    round += 1
    phone.contents.change({ ...changes, seed: round })
    terminal.err(`Backed up; then changed: ${JSON.stringify(changes)}`)
  })
}

/** What a person in front of the phone would notice. */
function narrate(phone: VirtualPhone, { terminal }: Context): void {
  phone.events.add((event) => {
    const words = wordsFor(event)
    if (words !== undefined) terminal.err(words)
  })
}

function wordsFor(event: PhoneEvent): string | undefined {
  switch (event.kind) {
    case 'trust-asked':
      return 'Trust This Computer?'
    case 'paired':
      return `Trusts the computer ${event.hostId}.`
    case 'power':
      return `Told to ${event.what === 'shutdown' ? 'shut down' : event.what}.`
    case 'fault':
      return `Goes wrong as told: ${JSON.stringify(event.fault)}`
    case 'notification':
      return event.name === 'com.apple.LocalAuthentication.ui.presented' ? 'Asks for its passcode.' : undefined
    default:
      return undefined
  }
}

/** Being told to stop is how this command ends well. */
async function untilAborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  if (!signal.aborted) await promise
}
