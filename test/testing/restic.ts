import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { PASSWORD } from './world.ts'

/** Runs plain restic on a repository of ours. Rejects when it is not installed, or when it finds fault. */
export async function restic(repositoryFolder: string, ...args: readonly string[]): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: repositoryFolder, RESTIC_PASSWORD: PASSWORD }
  const { stdout } = await promisify(execFile)('restic', ['-r', repositoryFolder, '--no-cache', '-q', ...args], {
    env,
    maxBuffer: 64 * 2 ** 20,
  })
  return stdout
}
