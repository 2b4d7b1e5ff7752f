import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { Secret } from '../../base/secret.ts'
import type { RestLogin, S3Credentials } from '../index.ts'

/** A server that is not ours, in a process of its own, storing into a folder of its own. Disposing ends it and removes both. */
export interface StorageServer extends AsyncDisposable {
  /** Scheme, host and port. */
  readonly origin: string
  readonly folder: string
}

/** The one access key that s3rver knows. */
export const S3_KEY = 'S3RVER'
export const S3_CREDENTIALS: S3Credentials = {
  accessKeyId: new Secret(S3_KEY),
  secretAccessKey: new Secret(S3_KEY),
  sessionToken: undefined,
}

/** s3rver from npm. It checks neither signatures nor checksums, and knows no conditional writes. */
export async function openS3Server(): Promise<StorageServer> {
  const program = join(createRequire(import.meta.url).resolve('s3rver/package.json'), '../bin/s3rver.js')
  return await openServer(/listening on (\S+)/, (folder) =>
    spawn(process.execPath, [program, '--silent', '-a', '127.0.0.1', '-p', '0', '-d', folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
}

export const REST_LOGIN: RestLogin = { username: 'ana', password: new Secret('p@ss:word') }

/** Debian's rclone, serving restic's REST protocol to one login. */
export async function openRestServer(...options: readonly string[]): Promise<StorageServer> {
  const login = ['--user', REST_LOGIN.username, '--pass', REST_LOGIN.password.reveal()]
  const args = ['serve', 'restic', '--config', '', '--addr', '127.0.0.1:0', ...login, ...options]
  return await openServer(/on http:\/\/(\S+?)\/$/, (folder) =>
    spawn('rclone', [...args, folder], {
      env: { PATH: process.env.PATH, HOME: folder },
      stdio: ['ignore', 'ignore', 'pipe'],
    }),
  )
}

async function openServer(announcement: RegExp, start: (folder: string) => ChildProcess): Promise<StorageServer> {
  await using opened = new AsyncDisposableStack()
  const { path: folder } = opened.use(await mkdtempDisposable(join(tmpdir(), 'phonekeep-server-')))
  const child = start(folder)
  const ended = once(child, 'exit')
  opened.defer(async () => {
    child.kill()
    await ended
  })
  const host = await findLine(child.stdout ?? child.stderr, announcement)
  const server = opened.move()
  return { origin: `http://${host}`, folder, [Symbol.asyncDispose]: () => server.disposeAsync() }
}

/** What the first line that matches says; the rest of the output is let go. */
async function findLine(output: Readable | null, announcement: RegExp): Promise<string> {
  if (output === null) throw new Error('The server has no output')
  for await (const line of createInterface(output)) {
    const found = announcement.exec(line)?.[1]
    if (found === undefined) continue
    output.resume()
    return found
  }
  throw new Error('The server ended before it said where it listens')
}
