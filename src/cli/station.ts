import { createHash } from 'node:crypto'
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isSystemError } from '../base/errors.ts'
import { makeFolder, namingPath } from '../base/folders.ts'
import { randomUuid } from '../base/random.ts'
import { type LockOwner, STATION_HOST_PREFIX } from '../repository/index.ts'

/** What tells this machine, and this start of it, from every other; Linux says it all, other systems only their host name. */
export interface Machine {
  readonly hostname: string
  /** Anew at every start; undefined where the system does not say. */
  readonly bootId: string | undefined
  /** How long ago that was; undefined where the system does not say. */
  readonly uptimeMs: number | undefined
  /** Chosen when the system was installed; copies of a disk share it. */
  readonly machineId: string
  /** The addresses that its network cards were made with, sorted: what a copied disk does not bring along. */
  readonly cards: readonly string[]
  /** Within which process numbers mean the same: a container has its own. */
  readonly processSpace: string
}

/**
 * The names in this station's locks. The host name is one that no machine has, so that no `restic unlock` looks for our process among its
 * own; it differs wherever a copy of the state folder might run beside this one. Without a network card of its own a machine cannot be
 * told from its copies after a restart, so every start counts as another machine there.
 */
export function lockNames(station: string, machine: Machine): Pick<LockOwner, 'hostname' | 'username'> {
  const { hostname, bootId, machineId, cards, processSpace } = machine
  const start = cards.length === 0 ? (bootId ?? '') : ''
  return {
    hostname: `${STATION_HOST_PREFIX}${station}-${digest([hostname, machineId, ...cards, processSpace, start])}`,
    username: bootId === undefined ? 'phonekeep' : `boot-${digest([bootId])}`,
  }
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 8)
}

/** Reads what Linux says of the machine below `root`. */
export async function readMachine(hostname: string, root = '/'): Promise<Machine> {
  return {
    hostname,
    bootId: await lineOf(join(root, 'proc/sys/kernel/random/boot_id')),
    uptimeMs: await readUptime(join(root, 'proc/uptime')),
    machineId: (await lineOf(join(root, 'etc/machine-id'))) ?? '',
    cards: await readCards(join(root, 'sys/class/net')),
    processSpace: (await unlessRefused(() => readlink(join(root, 'proc/self/ns/pid')))) ?? '',
  }
}

/** The first number of the file: seconds. */
async function readUptime(file: string): Promise<number | undefined> {
  const seconds = Number.parseFloat((await lineOf(file)) ?? '')
  return Number.isNaN(seconds) ? undefined : seconds * 1000
}

/** What has a device behind it and the address that it was made with; bridges, tunnels and containers' ends come and go. */
async function readCards(folder: string): Promise<readonly string[]> {
  const cards: string[] = []
  for (const name of (await unlessRefused(() => readdir(folder))) ?? []) {
    const hasDevice = (await unlessRefused(() => readdir(join(folder, name, 'device')))) !== undefined
    const isOwn = (await lineOf(join(folder, name, 'addr_assign_type'))) === '0'
    const address = await lineOf(join(folder, name, 'address'))
    if (hasDevice && isOwn && address !== undefined) cards.push(address)
  }
  return cards.sort()
}

async function lineOf(file: string): Promise<string | undefined> {
  const text = await unlessRefused(() => readFile(file, 'latin1'))
  return text?.trim() || undefined
}

async function unlessRefused<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work()
  } catch (error) {
    if (isSystemError(error)) return undefined
    throw error
  }
}

/** Eight hexadecimal digits, made once and kept in the state folder. */
export async function stationId(stateFolder: string): Promise<string> {
  const file = join(stateFolder, 'station-id')
  const known = await readStationId(file)
  if (known !== undefined) return known
  await makeFolder(stateFolder)
  return await claimStationId(file, randomUuid().slice(0, 8).toLowerCase())
}

/** Two processes may start at once: the first one's id is the station's. What is no id is replaced. */
async function claimStationId(file: string, id: string): Promise<string> {
  try {
    await namingPath(file, () => writeFile(file, `${id}\n`, { flag: 'wx', mode: 0o600 }))
    return id
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error
    const first = await readStationId(file)
    if (first === undefined) await namingPath(file, () => writeFile(file, `${id}\n`))
    return first ?? id
  }
}

/** Undefined when there is none, or something else in its place. */
async function readStationId(file: string): Promise<string | undefined> {
  try {
    return /^[0-9a-f]{8}$/.exec((await readFile(file, 'latin1')).trim())?.[0]
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}
