import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ensureDebianPackages } from './debian-packages.ts'

/**
 * `npm run bench`: one phone into one encrypted, deduplicated repository, our way and the way that there was before:
 * idevicebackup2 into a folder, then `restic backup` of that folder. Both in the same run on the same virtual phone, so the
 * ratio means something on any machine; the seconds do not.
 */
const CASES = [
  { name: 'photos', files: 300, bytes: '1GiB' },
  { name: 'small files', files: 20_000, bytes: '150MiB' },
] as const

const PHONEKEEP = fileURLToPath(new URL('../bin/phonekeep', import.meta.url))
const PASSWORD = 'bench'

type Env = Readonly<Record<string, string>>

async function timed(program: string, args: readonly string[], env: Env): Promise<number> {
  const startedMs = performance.now()
  await promisify(execFile)(program, args, { env: { ...process.env, ...env }, maxBuffer: 2 ** 28 })
  return (performance.now() - startedMs) / 1000
}

async function startPhone(files: number, bytes: string): Promise<{ child: ChildProcess; address: string }> {
  const args = ['virtual-phone', '--listen', '127.0.0.1:0', '--files', String(files), '--bytes', bytes]
  const child = spawn(PHONEKEEP, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = await once(createInterface(child.stdout), 'line')
  return { child, address: JSON.parse(line).address }
}

async function measure({ files, bytes }: { files: number; bytes: string }): Promise<{ ours: number; theirs: number }> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-bench-'))
  const at = (name: string) => join(folder.path, name)
  const { child, address } = await startPhone(files, bytes)
  try {
    const env = { USBMUXD_SOCKET_ADDRESS: address, PHONEKEEP_STATE: at('state'), RESTIC_PASSWORD: PASSWORD }
    const ourEnv = { ...env, RESTIC_REPOSITORY: at('ours') }
    const theirEnv = { ...env, RESTIC_REPOSITORY: at('theirs'), RESTIC_CACHE_DIR: at('cache') }
    await timed(PHONEKEEP, ['init'], ourEnv)
    await timed('restic', ['init'], theirEnv)
    await timed(PHONEKEEP, ['pair'], ourEnv)
    await promisify(execFile)('mkdir', [at('staged')])

    const ours = await timed(PHONEKEEP, ['backup'], ourEnv)
    const staging = await timed('idevicebackup2', ['backup', at('staged')], theirEnv)
    const storing = await timed('restic', ['backup', '-q', at('staged')], theirEnv)
    return { ours, theirs: staging + storing }
  } finally {
    child.kill()
  }
}

if (!ensureDebianPackages()) process.exit(1)
for (const { name, files, bytes } of CASES) {
  const { ours, theirs } = await measure({ files, bytes })
  const ratio = (theirs / ours).toFixed(2)
  process.stdout.write(
    `${name} (${files} files, ${bytes}): phonekeep ${ours.toFixed(1)} s, idevicebackup2 + restic ${theirs.toFixed(1)} s: ${ratio} times as fast\n`,
  )
}
