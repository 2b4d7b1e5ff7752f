import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtempDisposable, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '../../src/base/random.ts'
import { newRepository } from '../testing/history.ts'
import { start } from '../testing/phonekeep.ts'
import { pointsOf, SEED } from '../testing/points.ts'
import { restic } from '../testing/restic.ts'
import { assertSound } from '../testing/soundness.ts'

const CUTS = pointsOf('POWER_CUTS', 3)
const STATION = fileURLToPath(new URL('../testing/busy-station.ts', import.meta.url))
const REPOSITORY = 'repository'
const DISK_BYTES = 96 * 1024 * 1024

/** A file with an ext4 in it, mounted; the system writes to it by itself every five seconds. */
interface Disk extends Disposable {
  readonly image: string
  readonly folder: string
}

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

function mountDisk(image: string, folder: string): Disk {
  run('mount', '-o', 'loop,commit=5', image, folder)
  return { image, folder, [Symbol.dispose]: () => run('umount', folder) }
}

function makeDisk(image: string): void {
  run('truncate', '-s', String(DISK_BYTES), image)
  run('mkfs.ext4', '-q', '-m', '0', image)
}

/** Why this machine cannot play a disk; undefined when it can. */
async function findObstacle(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'it takes root to mount a disk'
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-mount-'))
  const there = join(folder.path, 'there')
  await mkdir(there)
  try {
    makeDisk(join(folder.path, 'image'))
    using _disk = mountDisk(join(folder.path, 'image'), there)
    return undefined
  } catch (error) {
    return String(error)
  }
}

/** What the disk holds at this moment: copied until nothing was written meanwhile. */
function copyImage(image: string, copy: string): void {
  const isSame = () => {
    try {
      run('cmp', image, copy)
      return true
    } catch {
      return false
    }
  }
  do run('cp', '--sparse=always', image, copy)
  while (!isSame())
}

/** A file that the power cut must take. */
const UNSYNCED = 'unsynced'

/** What the station said before the power went: by snapshot, whether it was stored, or is being forgotten, or gone. */
type Told = ReadonlyMap<string, string>

/**
 * A station backs up, forgets and prunes; after so many lines of what it says, and some more turns of ours, it is stopped. What it
 * said until then counts.
 */
async function useUntilCut(
  disk: Disk,
  copy: string,
  { lines, turns }: { lines: number; turns: number },
): Promise<Told> {
  const told = new Map<string, string>()
  const station = spawn(process.execPath, [STATION, join(disk.folder, REPOSITORY)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(station, 'exit')
  let heard = 0
  for await (const line of createInterface(station.stdout)) {
    const [state = '', snapshot = ''] = line.split(' ')
    told.set(snapshot, state)
    if (++heard !== lines) continue
    for (let turn = 0; turn < turns; turn++) await setImmediate()
    station.kill('SIGSTOP')
    await writeFile(join(disk.folder, UNSYNCED), 'x'.repeat(100_000))
    copyImage(disk.image, copy)
    station.kill('SIGKILL')
  }
  await exited
  return told
}

async function cutOnce(folder: string, seed: number): Promise<void> {
  const claim = `power cut with PHONEKEEP_TEST_SEED=${seed}`
  const random = seededRandom(seed)
  const at = (name: string) => join(folder, `${name}-${seed}`)
  await mkdir(at('disk'))
  makeDisk(at('image'))
  let told: Told
  {
    using disk = mountDisk(at('image'), at('disk'))
    await newRepository(join(disk.folder, REPOSITORY))
    told = await useUntilCut(disk, at('copy'), { lines: 1 + random.below(40), turns: random.below(3000) })
  }
  {
    using disk = mountDisk(at('copy'), at('disk'))
    await assertSurvived(disk, told, claim)
  }
  await rm(at('image'))
  await rm(at('copy'))
}

/** Also that the same station, started again, goes on with nobody's help. */
async function assertSurvived(disk: Disk, told: Told, claim: string): Promise<void> {
  const unsynced = await stat(join(disk.folder, UNSYNCED)).catch(() => undefined)
  assert.equal(unsynced?.size ?? 0, 0, 'what nobody has synced is kept: this was no power cut')
  const repository = join(disk.folder, REPOSITORY)
  const must = [...told].filter(([, state]) => state === 'stored').map(([id]) => id)
  const ids = await assertSound(repository, { must }, claim)
  assert.ok(!ids.some((id) => told.get(id) === 'gone'), `${claim}: a snapshot that was forgotten is back`)
  const { exitCode, err } = await start([process.execPath, STATION, repository, '1000', '1004'], {}).finished
  assert.equal(exitCode, 0, `${claim}: ${err}`)
  await restic(repository, 'check', '--read-data')
}

const obstacle = await findObstacle()
if (obstacle === undefined) {
  test(`${CUTS} power cuts on ext4 lose nothing that was told to be stored (PHONEKEEP_TEST_SEED=${SEED})`, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-power-'))
    for (let nth = 0; nth < CUTS; nth++) await cutOnce(folder.path, SEED + nth)
  })
} else {
  test(`no power cuts on ext4 here (${obstacle}): the modelled disk has to do`, () => {
    assert.notEqual(obstacle, '')
  })
}
