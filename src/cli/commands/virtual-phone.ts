import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { Secret } from '../../base/secret.ts'
import {
  type MuxServer,
  openCable,
  openControl,
  openMuxServer,
  openVirtualPhone,
  openWifi,
  PERSONALITIES,
  type PhoneEvent,
  parseFaultScript,
  parseSetting,
  REACTIONS,
  type Reaction,
  type VirtualPhone,
} from '../../virtual-phone/index.ts'
import type { Context } from '../context.ts'
import { countOf, formatSize } from '../words.ts'
import {
  type Changes,
  conditionOf,
  openContents,
  parseChange,
  parseListen,
  parsePort,
  type VirtualPhoneOptions,
  wholeNumber,
} from './virtual-phone-options.ts'

export function addVirtualPhone(program: Command, context: Context): void {
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
}

function reaction(flags: string, what: string, preset: Reaction): Option {
  return new Option(flags, what).choices(REACTIONS).default(preset)
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

/** `phonekeep virtual-phone`: a phone made of software that runs until it is told to stop. */
async function virtualPhone(options: VirtualPhoneOptions, context: Context): Promise<void> {
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
  for (const { name, model, ios, shows } of PERSONALITIES) terminal.tell(`${name}: ${model}, iOS ${ios}; ${shows}`)
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

function applySetting(phone: VirtualPhone, text: string): void {
  const { domain, key, value } = parseSetting(text)
  phone.values.set(domain, key, value)
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
