import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { PASSWORD, type World } from './world.ts'

export const COMMAND = fileURLToPath(new URL('../../bin/phonekeep', import.meta.url))

export interface Finished {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

export interface Started {
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
}

/**
 * Starts the command as a person does, in a process of its own, with nothing of the test's environment but the path and
 * where Node keeps compiled modules, which halves the time of a start. The network that the tests run in is left alone.
 */
export function startPhonekeep(args: readonly string[], env: Readonly<Record<string, string>>): Started {
  return start([COMMAND, ...args], env)
}

/** The same for any program. */
export function start([program, ...args]: readonly string[], env: Readonly<Record<string, string>>): Started {
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const child = spawn(program ?? '', args, {
    env: { PATH, NODE_COMPILE_CACHE, HOME: '/nonexistent', PHONEKEEP_WIFI: 'off', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const finished = Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]).then(
    ([[exitCode, signal], out, err]) => ({ exitCode, signal, out, err }),
  )
  return { child, finished }
}

export async function phonekeep(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Finished> {
  return await startPhonekeep(args, env).finished
}

/** What points the command at a world's phone and repository. */
export function surroundings(world: World): Readonly<Record<string, string>> {
  return {
    USBMUXD_SOCKET_ADDRESS: world.muxAddress,
    RESTIC_REPOSITORY: world.repositoryFolder,
    RESTIC_PASSWORD: PASSWORD,
    PHONEKEEP_STATE: join(world.folder, 'state'),
  }
}
