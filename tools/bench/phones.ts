import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Contest } from './contest.ts'
import { type Command, type Measured, measureAll, sumOf } from './measure.ts'
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
 * Whole runs from the phone: first one, then one in which nothing has changed. What there was before: idevicebackup2 into a
 * folder, which restic then backs up.
 */
export async function phoneContests(
  phone: BenchedPhone,
  running: RunningPhone,
  work: string,
): Promise<readonly Contest[]> {
  const at = { ours: join(work, 'ours'), theirs: join(work, 'theirs'), staged: join(work, 'staged') }
  const env = { USBMUXD_SOCKET_ADDRESS: running.address }
  const ours = { repository: at.ours, state: work }
  const theirs = { repository: at.theirs, state: work }
  await measureAll([phonekeep(['pair'], ours, env)])

  const backUp = phonekeep(['backup'], ours, env)
  const stage: Command = { program: 'idevicebackup2', args: ['backup', at.staged], env }
  const store = restic(['backup', at.staged], theirs)
  let staged: Measured
  const first = async (folders: readonly string[], inits: readonly Command[]) => {
    for (const folder of folders) await rm(folder, { recursive: true, force: true })
    await mkdir(at.staged, { recursive: true })
    await measureAll(inits)
  }
  const runs = (title: string, isFirst: boolean): Contest => ({
    title: `${phone.title}: ${title}`,
    contestants: [
      {
        name: 'phonekeep backup',
        round: async () => {
          if (isFirst) await first([at.ours], [phonekeep(['init'], ours)])
          return await measureAll([backUp])
        },
      },
      {
        name: 'idevicebackup2',
        round: async () => {
          if (isFirst) await first([at.theirs, at.staged], [phonekeep(['init'], theirs)])
          staged = await measureAll([stage])
          return staged
        },
      },
      {
        name: 'idevicebackup2, then restic',
        round: async () => {
          return sumOf([staged, await measureAll([store])])
        },
      },
    ],
  })
  return [runs('first backup', true), runs('nothing changed', false)]
}
