import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { NEVER } from '../../src/base/abort.ts'
import { systemClock } from '../../src/base/clock.ts'
import { Secret } from '../../src/base/secret.ts'
import {
  type CowTree,
  goTime,
  openLocalBackend,
  openRepository,
  openTree,
  openWriter,
  type RepositoryWriter,
} from '../../src/repository/index.ts'
import { saveSnapshot } from '../../src/repository/snapshots/snapshot.ts'

/**
 * What `restic backup` does, by our writer: a folder of this machine into a repository as one snapshot. Arguments: the repository
 * and the folder.
 */
const signal = NEVER
const clock = systemClock
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { verify: { type: 'boolean', default: false }, workers: { type: 'string' } },
})
const [repositoryFolder = '', folder = ''] = positionals

const password = new Secret(process.env.RESTIC_PASSWORD ?? '')
const repository = await openRepository(openLocalBackend(repositoryFolder), { password, signal })
await repository.loadIndex({ signal })
const t0 = performance.now()
const c0 = process.cpuUsage()
{
  await using writer = openWriter(repository, {
    clock,
    signal,
    verify: values.verify,
    ...(values.workers ? { workers: Number(values.workers) } : {}),
  })
  const tree = openTree(writer, undefined)
  const buffer = new Uint8Array(256 * 1024)
  await store(folder, [])
  const root = await tree.commit({ signal })
  await writer.flush({ signal })
  const fields = { time: goTime(clock.nowMs()), tree: root, paths: [folder], hostname: 'bench', username: 'bench' }
  await saveSnapshot(repository, fields, { signal })

  async function store(path: string, place: readonly string[]): Promise<void> {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const child = [...place, entry.name]
      if (entry.isDirectory()) await store(join(path, entry.name), child)
      else await storeFile(writer, tree, join(path, entry.name), child)
    }
  }

  async function storeFile(
    writer: RepositoryWriter,
    tree: CowTree,
    path: string,
    place: readonly string[],
  ): Promise<void> {
    const file = openSync(path, 'r')
    const info = fstatSync(file)
    const stored = writer.openFile()
    for (let size = readSync(file, buffer); size > 0; size = readSync(file, buffer))
      await stored.write(buffer.subarray(0, size))
    closeSync(file)
    await tree.putFile(place, { ...(await stored.finish()), modifiedMs: info.mtimeMs }, { signal })
  }
}
const cpu = process.cpuUsage(c0)
const seconds = ((performance.now() - t0) / 1000).toFixed(2)
const cpuSeconds = ((cpu.user + cpu.system) / 1e6).toFixed(2)
const rss = (process.resourceUsage().maxRSS / 1024).toFixed(0)
process.stdout.write(`${seconds} s, ${cpuSeconds} s of processor, ${rss} MiB resident\n`)
