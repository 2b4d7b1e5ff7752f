import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'

/** A program to be measured. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** The cores it may use; all, if none are named. */
  readonly cores?: string
}

/** What it took. */
export interface Measured {
  readonly seconds: number
  /** Of all its threads and children: on a machine that others use, too, this says more than the time by the clock. */
  readonly processorSeconds: number
  /** The most memory it had. */
  readonly peakBytes: number
}

const POLL_MS = 20

/** Runs a program to its end; throws if it fails. */
export async function measure({ program, args, env = {}, cores }: Command): Promise<Measured> {
  const [file = '', ...rest] = cores === undefined ? [program, ...args] : ['taskset', '-c', cores, program, ...args]
  const startedMs = performance.now()
  const child = spawn(file, rest, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  let use = NO_USE
  const poll = setInterval(() => {
    use = useOf(child.pid ?? 0) ?? use
  }, POLL_MS)
  const [code] = await once(child, 'exit')
  clearInterval(poll)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${said}`)
  return { seconds: (performance.now() - startedMs) / 1000, ...use }
}

/** One program after the other, as one. */
export async function measureAll(commands: readonly Command[]): Promise<Measured> {
  const measured: Measured[] = []
  for (const command of commands) measured.push(await measure(command))
  return sumOf(measured)
}

/** A round that fills a folder, which is a copy of another one at first, or not there; afterwards it is removed. */
export async function measureIn(folder: string, command: Command, { from }: { from?: string } = {}): Promise<Measured> {
  if (from !== undefined) await cp(from, folder, { recursive: true })
  try {
    return await measure(command)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export function sumOf(measured: readonly Measured[]): Measured {
  return {
    seconds: measured.reduce((sum, each) => sum + each.seconds, 0),
    processorSeconds: measured.reduce((sum, each) => sum + each.processorSeconds, 0),
    peakBytes: Math.max(...measured.map((each) => each.peakBytes)),
  }
}

const NO_USE = { processorSeconds: 0, peakBytes: 0 }
const TICKS_PER_SECOND = 100

/** What a process has used so far, as Linux counts it; undefined once it has ended. */
function useOf(pid: number): typeof NO_USE | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return peak === undefined
      ? undefined
      : { processorSeconds: ticks / TICKS_PER_SECOND, peakBytes: Number(peak) * 1024 }
  } catch {
    return undefined
  }
}

/** The median of each. */
export function medianOf(rounds: readonly Measured[]): Measured {
  return {
    seconds: median(rounds.map(({ seconds }) => seconds)),
    processorSeconds: median(rounds.map(({ processorSeconds }) => processorSeconds)),
    peakBytes: median(rounds.map(({ peakBytes }) => peakBytes)),
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}
