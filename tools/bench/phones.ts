import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Contest } from './contest.ts'
import { type Measured, measure, sumOf } from './measure.ts'
import { phonekeep, restic } from './programs.ts'

/** A virtual phone to be backed up. */
export interface BenchedPhone {
  readonly title: string
  readonly files: number
  readonly bytes: string
  /** The size of its Manifest.db; by itself it is as large as its files make it. */
  readonly manifestBytes?: number
}

/** A running virtual phone; disposing ends it. */
export async function startPhone({ files, bytes, manifestBytes }: BenchedPhone, work: string): Promise<RunningPhone> {
  const faults = join(work, 'faults')
  const large = { do: 'large-manifest', bytes: manifestBytes, times: 1000 }
  await writeFile(faults, JSON.stringify({ faults: manifestBytes === undefined ? [] : [large] }))
  const contents = ['--files', String(files), '--bytes', bytes, '--faults', faults]
  const { program, args, env } = phonekeep(['virtual-phone', '--listen', '127.0.0.1:0', ...contents], {
    repository: '',
    state: work,
  })
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = await once(createInterface(child.stdout), 'line')
  return new RunningPhone(child, JSON.parse(line).address)
}

export class RunningPhone implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly address: string

  constructor(child: ChildProcess, address: string) {
    this.#child = child
    this.address = address
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill()
    await exited
  }
}

/**
 * Whole runs from the phone: first ones, each into nothing, then ones in which nothing has changed. Like for like means without
 * reading anything back, as the others do. What there was before: idevicebackup2 into a folder, which restic then backs up.
 */
export async function phoneContests(
  phone: BenchedPhone,
  running: RunningPhone,
  work: string,
): Promise<readonly Contest[]> {
  const env = { USBMUXD_SOCKET_ADDRESS: running.address }
  const place = (name: string) => ({ repository: join(work, name), state: work })
  await measure(phonekeep(['pair'], place('ours'), env))

  const ours = (name: string, flags: readonly string[], isFirst: boolean) => async () => {
    if (isFirst) await beginAnew(place(name))
    return await measure(phonekeep(['backup', ...flags], place(name), env))
  }
  const staged = join(work, 'staged')
  let staging: Measured
  const stage = (isFirst: boolean) => async () => {
    if (isFirst) await rm(staged, { recursive: true, force: true })
    await mkdir(staged, { recursive: true })
    staging = await measure({ program: 'idevicebackup2', args: ['backup', staged], env })
    return staging
  }
  const stageAndStore = (isFirst: boolean) => async () => {
    if (isFirst) await beginAnew(place('theirs'))
    return sumOf([staging, await measure(restic(['backup', staged], place('theirs')))])
  }
  return [true, false].map((isFirst) => ({
    title: `${phone.title}: ${isFirst ? 'first backup' : 'nothing changed'}`,
    contestants: [
      { name: 'phonekeep, like for like', round: ours('like', ['--no-verify', '--read-back', '0'], isFirst) },
      { name: 'phonekeep', round: ours('ours', [], isFirst) },
      { name: 'idevicebackup2', round: stage(isFirst) },
      { name: 'idevicebackup2, then restic', round: stageAndStore(isFirst) },
    ],
  }))
}

async function beginAnew(place: Parameters<typeof phonekeep>[1]): Promise<void> {
  await rm(place.repository, { recursive: true, force: true })
  await measure(phonekeep(['init'], place))
}
