import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

/** A program to be measured. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** The cores it may use; all, if none are named. */
  readonly cores?: string
}

/** How long it took, and the most memory it had. */
export interface Measured {
  readonly seconds: number
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
  let peakBytes = 0
  const poll = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes(child.pid ?? 0))
  }, POLL_MS)
  const [code] = await once(child, 'exit')
  clearInterval(poll)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${said}`)
  return { seconds: (performance.now() - startedMs) / 1000, peakBytes }
}

/** One program after the other, as one. */
export async function measureAll(commands: readonly Command[]): Promise<Measured> {
  let sum: Measured = { seconds: 0, peakBytes: 0 }
  for (const command of commands) {
    const { seconds, peakBytes } = await measure(command)
    sum = { seconds: sum.seconds + seconds, peakBytes: Math.max(sum.peakBytes, peakBytes) }
  }
  return sum
}

/** The most that a process ever had, as Linux counts it; 0 once it has ended. */
function residentBytes(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

/** The median of each. */
export function medianOf(rounds: readonly Measured[]): Measured {
  return {
    seconds: median(rounds.map(({ seconds }) => seconds)),
    peakBytes: median(rounds.map(({ peakBytes }) => peakBytes)),
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}
