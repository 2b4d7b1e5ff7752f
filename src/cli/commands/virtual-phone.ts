import type { Clock } from '../../base/clock.ts'
import {
  type MuxServer,
  openFolderContents,
  openMuxServer,
  openSeededContents,
  openVirtualPhone,
  type PhoneContents,
  parseSetting,
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
  readonly model?: string
  readonly ios?: string
  readonly name?: string
  readonly set?: readonly string[]
  readonly change?: string
}

/** `phonekeep virtual-phone`: a phone made of software that runs until it is told to stop. */
export async function virtualPhone(options: VirtualPhoneOptions, context: Context): Promise<void> {
  const { clock, signal, terminal } = context
  const listen = parseListen(options.listen)
  const contents = await openContents(options, context)
  await using phone = await openVirtualPhone({
    contents,
    clock,
    seed: wholeNumber('--seed', options.seed),
    ...(options.model !== undefined && { model: options.model }),
    ...(options.ios !== undefined && { ios: options.ios }),
    ...(options.name !== undefined && { name: options.name }),
  })
  for (const text of options.set ?? []) applySetting(phone, text)
  if (options.change !== undefined) changeAfterBackups(phone, parseChange(options.change), context)
  await using server = await openMuxServer({ phones: [phone], listen, signal })
  restartWhenAsked(phone, server, context)
  const { files, bytes } = contents.totals
  terminal.out(JSON.stringify({ event: 'listening', address: server.address, udid: phone.udid }))
  terminal.err(`${countOf(files, 'file')}, ${formatSize(bytes)}. Use it with USBMUXD_SOCKET_ADDRESS=${server.address}`)
  for (const note of contents.notes) terminal.err(note)
  await untilAborted(signal)
}

async function openContents(options: VirtualPhoneOptions, { clock, signal }: Context): Promise<PhoneContents> {
  if (options.contents !== undefined) return await openFolderContents({ folder: options.contents, clock, signal })
  return openSeeded(options, clock)
}

/** Each costs some 250 bytes of memory. */
const FILES_MAX = 5_000_000

function openSeeded({ seed, files, bytes, ios = '18.5' }: VirtualPhoneOptions, clock: Clock): PhoneContents {
  const count = wholeNumber('--files', files)
  if (count < 1 || count > FILES_MAX) {
    throw badUsage(`A phone cannot have ${count} files`, `Choose 1 to ${FILES_MAX.toLocaleString('en-US')}`)
  }
  return openSeededContents({ seed: wholeNumber('--seed', seed), files: count, bytes: parseSize(bytes), ios, clock })
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

/** The phone notes the time of a backup when it has finished; that is when its owner goes on using it. */
function changeAfterBackups(phone: VirtualPhone, changes: Changes, { terminal }: Context): void {
  let round = 0
  phone.values.changes.add(({ domain, key }) => {
    if (domain !== 'com.apple.mobile.backup' || key !== 'LastiTunesBackupDate') return
    round += 1
    phone.contents.change({ ...changes, seed: round })
    terminal.err(`Backed up; then changed: ${JSON.stringify(changes)}`)
  })
}

/** A phone that restarts leaves the cable for a moment, and comes back as another device of usbmuxd's. */
function restartWhenAsked(phone: VirtualPhone, server: MuxServer, { terminal }: Context): void {
  phone.events.add((event) => {
    if (event.kind !== 'power' || event.what !== 'restart') return
    terminal.err('Told to restart.')
    server.detach(phone)
    server.attach(phone)
  })
}

/** Being told to stop is how this command ends well. */
async function untilAborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  if (!signal.aborted) await promise
}
