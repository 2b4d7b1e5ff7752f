import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Programs that the tests use as independent witnesses, and the Debian package each comes in. */
const NEEDED = [
  { program: 'restic', package: 'restic' },
  { program: 'idevicebackup2', package: 'libimobiledevice-utils' },
  { program: 'openssl', package: 'openssl' },
  { program: 'rclone', package: 'rclone' },
  { program: 'script', package: 'bsdutils' },
  { program: 'strace', package: 'strace' },
] as const

/** Installs what is missing when it can (root on Debian); otherwise says what to install, and gives false. */
export function ensureDebianPackages(): boolean {
  const missing = NEEDED.filter(({ program }) => !isOnPath(program)).map((needed) => needed.package)
  if (missing.length === 0) return true
  const isRoot = process.getuid?.() === 0
  if (!isRoot || !isOnPath('apt-get')) {
    process.stderr.write(`The tests need these Debian packages: sudo apt-get install ${missing.join(' ')}\n`)
    return false
  }
  process.stderr.write(`Installing what the tests need: ${missing.join(' ')}\n`)
  return aptGet('update', '-q') && aptGet('install', '-qy', '--no-install-recommends', ...missing)
}

function aptGet(...args: readonly string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
