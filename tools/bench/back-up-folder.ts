import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { NEVER } from '../../src/base/abort.ts'
import { systemClock } from '../../src/base/clock.ts'
import { Secret } from '../../src/base/secret.ts'
import {
  goTime,
  openLocalBackend,
  openRepository,
  openTree,
  openWriter,
  saveSnapshot,
} from '../../src/repository/index.ts'

// What `restic backup` does, by our writer: a folder of this machine into a repository as one snapshot, with the password in
// RESTIC_PASSWORD. Arguments: the repository's folder and the folder; --verify; --threads.

const signal = NEVER
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { verify: { type: 'boolean', default: false }, threads: { type: 'string' } },
})
const [repositoryFolder = '', folder = ''] = positionals
const password = new Secret(process.env.RESTIC_PASSWORD ?? '')
const threads = values.threads === undefined ? undefined : Number(values.threads)

const YIELD_BYTES = 512 * 1024
const buffer = new Uint8Array(256 * 1024)
let unyieldedBytes = 0

const repository = await openRepository(openLocalBackend(repositoryFolder), { password, signal })
await repository.loadIndex({ signal })
await using writer = openWriter(repository, { clock: systemClock, signal, verify: values.verify, limits: { threads } })
const tree = openTree(writer, undefined)
await storeFolder(folder, [])
const root = await tree.commit({ signal })
await writer.flush({ signal })
const time = goTime(systemClock.nowMs())
await saveSnapshot(
  repository,
  { time, tree: root, paths: ['/bench'], hostname: 'bench', username: 'bench' },
  { signal },
)

async function storeFolder(path: string, place: readonly string[]): Promise<void> {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = [...place, entry.name]
    if (entry.isDirectory()) await storeFolder(join(path, entry.name), child)
    else await storeFile(join(path, entry.name), child)
  }
}

async function storeFile(path: string, place: readonly string[]): Promise<void> {
  const fd = openSync(path, 'r')
  const modifiedMs = fstatSync(fd).mtimeMs
  const stored = writer.openFile()
  for await (const piece of piecesOf(fd)) await stored.write(piece)
  closeSync(fd)
  await tree.putFile(place, { ...(await stored.finish()), modifiedMs }, { signal })
}

/** As from a phone: now and then the pieces let others have their turn. */
async function* piecesOf(fd: number): AsyncGenerator<Uint8Array> {
  for (let size = readSync(fd, buffer); size > 0; size = readSync(fd, buffer)) {
    yield buffer.subarray(0, size)
    unyieldedBytes += size
    if (unyieldedBytes < YIELD_BYTES) continue
    unyieldedBytes = 0
    await setImmediate()
  }
}
