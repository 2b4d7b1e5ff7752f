import { fileURLToPath } from 'node:url'
import type { Command } from './measure.ts'

export const PASSWORD = 'bench'

const PHONEKEEP = fileURLToPath(new URL('../../bin/phonekeep', import.meta.url))
const NODE = fileURLToPath(new URL('../../bin/node', import.meta.url))
const BACK_UP_FOLDER = fileURLToPath(new URL('back-up-folder.ts', import.meta.url))

/** As in bin/phonekeep. */
const NODE_FLAGS = ['--max-semi-space-size=4', '--heap-growing-percent=50']
const MALLOC = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '262144' }

interface Place {
  readonly repository: string
  /** For what a program keeps beside it. */
  readonly state: string
  /** One core only, instead of all. */
  readonly oneCore?: boolean
}

function envOf({ repository, state }: Place): Record<string, string> {
  return {
    RESTIC_REPOSITORY: repository,
    RESTIC_PASSWORD: PASSWORD,
    RESTIC_CACHE_DIR: `${state}/restic-cache`,
    PHONEKEEP_STATE: `${state}/phonekeep`,
    PHONEKEEP_CACHE: `${state}/phonekeep-cache`,
    PHONEKEEP_WIFI: 'off',
  }
}

export function phonekeep(args: readonly string[], place: Place, env: Readonly<Record<string, string>> = {}): Command {
  const command = { program: PHONEKEEP, args, env: { ...envOf(place), ...env } }
  return place.oneCore ? { ...command, cores: '0' } : command
}

export function restic(args: readonly string[], place: Place): Command {
  const env = { ...envOf(place), ...(place.oneCore && { GOMAXPROCS: '1' }) }
  const command = { program: 'restic', args: ['-q', ...args], env }
  return place.oneCore ? { ...command, cores: '0' } : command
}

/** Our writer over a folder of this machine. Its modules are compiled once for all rounds, as those of a server are. */
export function backUpFolder(folder: string, place: Place, flags: readonly string[] = []): Command {
  const args = [...NODE_FLAGS, BACK_UP_FOLDER, place.repository, folder, ...flags]
  const command = {
    program: NODE,
    args,
    env: { ...envOf(place), ...MALLOC, NODE_COMPILE_CACHE: `${place.state}/compiled` },
  }
  return place.oneCore ? { ...command, cores: '0' } : command
}

/** Copies a folder, and syncs everything that was written. */
export function copyAndSync(from: string, to: string): Command {
  return { program: 'sh', args: ['-c', 'cp -r "$0" "$1" && sync -f "$1"', from, to] }
}
