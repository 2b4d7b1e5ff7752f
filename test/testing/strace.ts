import assert from 'node:assert/strict'
import { mkdtempDisposable, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { COMMAND, type Finished, start } from './phonekeep.ts'

/** One system call of a traced process, in the order in which they ended. */
export interface SystemCall {
  readonly thread: number
  readonly name: string
  /** What stands between the brackets, strings in hexadecimal. */
  readonly args: string
  /** What it gave back, or -1. */
  readonly result: number
  /** True when the call was made to fail, or to kill. */
  readonly isInjected: boolean
  /** Of all calls: how many had ended when this one began. */
  readonly begun: number
}

/** System calls by what they are for: their names differ between processors. */
export const CALLS = {
  open: ['open', 'openat'],
  read: ['pread64', 'getdents64'],
  write: ['write', 'pwrite64'],
  sync: ['fsync', 'fdatasync'],
  rename: ['rename', 'renameat', 'renameat2'],
  remove: ['unlink', 'unlinkat'],
  makeFolder: ['mkdir', 'mkdirat'],
} as const

/** What becomes of the n-th of these calls; each thread counts for itself. */
export interface Injection {
  readonly calls: readonly string[]
  readonly nth: number
  readonly what: 'EIO' | 'ENOSPC' | 'SIGKILL'
}

export interface TraceOptions {
  /** The system calls to look at. */
  readonly calls: readonly string[]
  readonly injection?: Injection | undefined
  /** So much of what is written is kept. */
  readonly bytesMax?: number
}

export interface Traced extends Finished {
  readonly calls: readonly SystemCall[]
}

/** For processes whose calls are counted: with one thread for work on files they come in the same order every time. */
export const COUNTABLE = { UV_THREADPOOL_SIZE: '1' }

/** Runs the command under strace. Rejects where that is not allowed: nothing that follows from it would be proven. */
export async function tracePhonekeep(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  options: TraceOptions,
): Promise<Traced> {
  return await trace([COMMAND, ...args], env, options)
}

/** The same for any program. */
export async function trace(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  { calls, injection, bytesMax = 0 }: TraceOptions,
): Promise<Traced> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-trace-'))
  const file = join(folder.path, 'trace')
  // Filtered in the kernel it is much faster, but then strace 6.1 never delivers a signal.
  const filter = injection?.what === 'SIGKILL' ? [] : ['--seccomp-bpf']
  const trace = `trace=${namesOf([...calls, ...(injection?.calls ?? [])])}`
  const options = ['-f', '-qq', ...filter, '-y', '-xx', '-s', String(bytesMax), '-o', file, '-e', trace]
  const under = ['strace', ...options, ...injectionOptions(injection), ...command]
  const finished = await start(under, { ...env, UV_USE_IO_URING: '0' }).finished
  const text = await readFile(file, 'latin1').catch(() => '')
  assert.ok(text.length > 0, `strace could not trace: ${finished.err}`)
  return { ...finished, calls: parseTrace(text) }
}

function injectionOptions(injection: Injection | undefined): readonly string[] {
  if (injection === undefined) return []
  const { calls, nth, what } = injection
  const fault = what === 'SIGKILL' ? 'signal=SIGKILL' : `error=${what}`
  return ['-e', `inject=${namesOf(calls)}:${fault}:when=${nth}`]
}

/** For strace; those that this processor does not know are passed over. */
function namesOf(calls: readonly string[]): string {
  return [...new Set(calls)].map((name) => `?${name}`).join(',')
}

const BEGUN = /^(\d+) +(\w+)\((.*?)(?: <unfinished \.\.\.>|\) += (-?\d+|\?)(.*))$/s
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+|\?)(.*)$/s

/** Reads what `strace -f` writes: a call whose line is broken by another thread's comes in two halves. */
function parseTrace(text: string): readonly SystemCall[] {
  const ended: SystemCall[] = []
  const halves = new Map<number, { readonly args: string; readonly begun: number }>()
  for (const line of text.split('\n')) {
    const [, thread = '', name = '', rest = '', result, remark = ''] = BEGUN.exec(line) ?? RESUMED.exec(line) ?? []
    if (name === '') continue
    const begun = halves.get(Number(thread)) ?? { args: '', begun: ended.length }
    const args = begun.args + rest
    if (result === undefined) halves.set(Number(thread), { args, begun: begun.begun })
    else {
      halves.delete(Number(thread))
      const isInjected = remark.includes('(INJECTED)')
      ended.push({ thread: Number(thread), name, args, result: Number(result), isInjected, begun: begun.begun })
    }
  }
  return ended
}

/**
 * Which of its thread's calls each of those is that have to do with a folder: what `Injection.nth` means, for calls of the same
 * names in another run.
 */
export function ordinalsBelow(
  folder: string,
  calls: readonly SystemCall[],
  names: readonly string[],
): readonly number[] {
  const counts = new Map<number, number>()
  const ordinals: number[] = []
  for (const call of calls.filter(({ name }) => names.includes(name))) {
    const nth = (counts.get(call.thread) ?? 0) + 1
    counts.set(call.thread, nth)
    if (pathsOf(call).some((path) => path === folder || path.startsWith(`${folder}/`))) ordinals.push(nth)
  }
  return ordinals
}

/** The strings among the arguments of a call. */
export function stringsOf({ args }: SystemCall): readonly Buffer[] {
  return [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = '']) => fromHex(hex))
}

/** The file that a call's first argument, an open file, stands for. */
export function openFileOf({ args }: SystemCall): string | undefined {
  const hex = /^\d+<((?:\\x[0-9a-f]{2})+)>/.exec(args)?.[1]
  return hex === undefined ? undefined : String(fromHex(hex))
}

/** All paths that a call names. */
export function pathsOf(call: SystemCall): readonly string[] {
  const open = openFileOf(call)
  return open === undefined ? stringsOf(call).map(String) : [open]
}

function fromHex(escaped: string): Buffer {
  return Buffer.from(escaped.replaceAll('\\x', ''), 'hex')
}
