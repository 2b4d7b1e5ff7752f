import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { before, test } from 'node:test'
import { isAppError } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import { checkRepository } from './check/check.ts'
import { type Id, sha256 } from './format/id.ts'
import { encodeKeyFile } from './format/key.ts'
import { BlobIndex } from './indexes/blob-index.ts'
import { decodeIndexFile } from './indexes/index-file.ts'
import { lockRepository } from './lock.ts'
import { REPAIRED_TAG } from './repair/repair-snapshots.ts'
import { openRepository, Repository } from './repository.ts'
import { listSnapshots, loadSnapshot } from './snapshots/snapshot.ts'
import { seededBytes } from './testing/bytes.ts'
import { flipped, kindOf, randomBitFlip, repairAll } from './testing/damage.ts'
import { createMemoryBackend, type MemoryBackend } from './testing/memory-backend.ts'
import { backUp, memoryRepository } from './testing/repositories.ts'
import { CHEAP_KDF, clock, PASSWORD, restic, signal, temporaryFolder } from './testing/restic.ts'
import { openTree } from './trees/cow-tree.ts'

/** 60 flips, or as many as this says: 1,000 take some minutes. */
const FLIPS = Number(process.env.PHONEKEEP_TEST_FLIPS ?? 60)
const SECOND_PASSWORD = new Secret('second')
const KINDS = ['config', 'data', 'index', 'keys', 'locks', 'snapshots']

type Files = Readonly<Record<string, Buffer>>

/** A repository with files of every kind, and what its snapshots hold. */
const sound = { files: new Map<string, Uint8Array>(), snapshots: new Map<Id, Files>() }
let original: Repository

before(async () => {
  const { repository, backend } = await memoryRepository()
  original = repository
  await addKey(repository)
  let files: Files = {}
  for (const day of [1, 2, 3]) {
    files = { ...files, ...filesOfDay(day) }
    const { id } = await backUp(repository, files)
    sound.snapshots.set(id, files)
  }
  const owner = { hostname: 'elsewhere', username: 'somebody', pid: 1 }
  await using _lock = await lockRepository(repository, { mode: 'shared', owner, clock, signal })
  for (const [path, bytes] of backend.files) sound.files.set(path, bytes)
})

/** Some are the same every day, some change; one has several blobs. */
function filesOfDay(day: number): Files {
  return {
    'udid/Manifest.db': seededBytes(day, 700_000),
    'udid/00/same': seededBytes(100, 50_000),
    'udid/00/text': Buffer.from('text '.repeat(1000 * day)),
    [`udid/${day}0/new`]: seededBytes(200 + day, 30_000),
    'other/empty': Buffer.alloc(0),
  }
}

async function addKey({ backend, sealer }: Repository): Promise<void> {
  const label = { createdMs: 0, hostname: 'h', username: 'u' }
  const file = await encodeKeyFile(sealer.masterKey, { password: SECOND_PASSWORD, cost: CHEAP_KDF, label })
  await backend.save({ kind: 'key', id: sha256(file) }, [file], { signal })
}

/** The repository as somebody has it open who opened it before the damage. */
function openOn(backend: MemoryBackend): Repository {
  return new Repository(backend, original.sealer, original.config)
}

test('a flipped bit in any kind of file is found, its victims are named, and a repair keeps everything else', async () => {
  const seen = new Set<string>()
  let victims = 0
  for (let seed = 1; seed <= FLIPS; seed++) {
    const flip = randomBitFlip(sound.files, seed)
    const backend = createMemoryBackend(flipped(sound.files, flip))
    const claim = `seed ${seed}: bit ${flip.bit} of ${flip.path}`
    seen.add(kindOf(flip.path))
    const named = await assertFound(backend, flip.path, claim)
    victims += named.size
    if (flip.path !== 'config') await assertRepaired(backend, flip.path, { named, claim })
  }
  assert.deepEqual([...seen].toSorted(), KINDS)
  assert.ok(victims > 0)
})

test('restic finds nothing wrong after a repair', async () => {
  for (const kind of KINDS.filter((each) => each !== 'config')) {
    await using folder = await temporaryFolder()
    const seed = seedFor(kind)
    const flip = randomBitFlip(sound.files, seed)
    const backend = createMemoryBackend(flipped(sound.files, flip))
    removeByHand(backend, flip.path)
    await repairAll(openOn(backend))
    await writeFiles(folder.path, backend.files)
    const { password } = await openRepaired(backend)
    const said = await restic(folder.path, ['check', '--read-data'], { RESTIC_PASSWORD: password.reveal() })
    assert.match(said, /no errors were found/, `seed ${seed}: ${flip.path}`)
    assert.doesNotMatch(said, /not referenced|duplicate/, `seed ${seed}: ${flip.path}`)
  }
})

/** The first one that flips a bit of such a file. */
function seedFor(kind: string): number {
  for (let seed = 1; ; seed++) if (kindOf(randomBitFlip(sound.files, seed).path) === kind) return seed
}

async function writeFiles(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), bytes)
  }
}

/** By snapshot, the files that the check names; all of a snapshot that it cannot read. */
async function assertFound(backend: MemoryBackend, path: string, claim: string): Promise<Map<Id, Set<string>>> {
  const named = new Map<Id, Set<string>>()
  const report = await checkRepository(openOn(backend), {
    readData: true,
    signal,
    onHurt: (hurt) => {
      const all = filesBelow(sound.snapshots.get(hurt.snapshot) ?? {}, hurt.path)
      named.set(hurt.snapshot, new Set([...(named.get(hurt.snapshot) ?? []), ...all]))
    },
  })
  assert.equal(report.ok, false, claim)
  const name = path.split('/').at(-1) ?? ''
  assert.ok(
    report.findings.some(({ subject }) => subject.includes(name)),
    claim,
  )
  for (const { id, time } of report.hurt) {
    if (time === undefined) named.set(id, new Set(Object.keys(sound.snapshots.get(id) ?? {})))
  }
  const hurt = await hurtByRestoring(openOn(backend))
  assert.deepEqual(named, hurt, claim)
  assert.deepEqual(new Set(report.sound), new Set([...sound.snapshots.keys()].filter((id) => !hurt.has(id))), claim)
  return named
}

function filesBelow(files: Files, path: string): readonly string[] {
  return Object.keys(files).filter((file) => path === '/' || `/${file}/`.startsWith(`${path}/`))
}

/** The truth, by snapshot: the files that do not come back as they were. */
async function hurtByRestoring(repository: Repository): Promise<Map<Id, Set<string>>> {
  repository.index = await readableIndex(repository)
  const hurt = new Map<Id, Set<string>>()
  for (const [id, files] of sound.snapshots) {
    const snapshot = await orNothing(loadSnapshot(repository, id, { signal }))
    const broken = new Set<string>()
    for (const [path, bytes] of Object.entries(files)) {
      const isSame = snapshot && (await orNothing(readFile(repository, snapshot.tree, path)))?.equals(bytes)
      if (!isSame) broken.add(path)
    }
    if (broken.size > 0) hurt.set(id, broken)
  }
  return hurt
}

async function readableIndex(repository: Repository): Promise<BlobIndex> {
  const index = new BlobIndex()
  for await (const { id } of repository.backend.list('index', { signal })) {
    const text = await orNothing(repository.loadUnpacked('index', id, { signal }))
    for (const pack of text === undefined ? [] : decodeIndexFile(text, id).packs) index.addPack(pack.id, pack.blobs)
  }
  return index
}

async function readFile(repository: Repository, tree: Id, path: string): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(openTree(repository, tree).readFile(path.split('/'), { signal })))
}

async function orNothing<Value>(work: Promise<Value>): Promise<Value | undefined> {
  return await work.catch((error: unknown) => {
    assert.ok(isAppError(error, 'repo.damaged'), String(error))
    return undefined
  })
}

/** Somebody's lock stands in the way of a repair, and a damaged key is taken away: there are other commands for both. */
function removeByHand(backend: MemoryBackend, path: string): void {
  for (const each of backend.files.keys()) if (kindOf(each) === 'locks') backend.files.delete(each)
  if (kindOf(path) === 'keys') backend.files.delete(path)
}

async function assertRepaired(
  backend: MemoryBackend,
  path: string,
  { named, claim }: { readonly named: ReadonlyMap<Id, ReadonlySet<string>>; readonly claim: string },
): Promise<void> {
  removeByHand(backend, path)
  await repairAll(openOn(backend))
  const { repository } = await openRepaired(backend)
  const { ok, findings } = await checkRepository(repository, { readData: true, signal })
  assert.ok(ok, `${claim}: ${JSON.stringify(findings)}`)
  const snapshots = await listSnapshots(repository, { signal })
  for (const [id, files] of sound.snapshots) {
    // What a damaged index listed is listed again: nothing of it was lost.
    const lost = kindOf(path) === 'index' ? new Set() : (named.get(id) ?? new Set())
    const kept = Object.entries(files).filter(([file]) => !lost.has(file))
    const wanted = snapshots.find((each) => (lost.size === 0 ? each.id === id : each.original === id))
    if (kept.length === 0) {
      assert.equal(wanted, undefined, claim)
      continue
    }
    assert.ok(wanted !== undefined, claim)
    assert.equal((wanted.tags ?? []).includes(REPAIRED_TAG), lost.size > 0, claim)
    for (const [file, bytes] of kept) assert.ok(bytes.equals(await readFile(repository, wanted.tree, file)), claim)
    for (const file of lost) await assert.rejects(readFile(repository, wanted.tree, String(file)), claim)
  }
}

/** With whichever of the two keys is left. */
async function openRepaired(
  backend: MemoryBackend,
): Promise<{ readonly repository: Repository; readonly password: Secret }> {
  for (const password of [PASSWORD, SECOND_PASSWORD]) {
    const repository = await openRepository(backend, { password, signal }).catch(() => undefined)
    await repository?.loadIndex({ signal })
    if (repository !== undefined) return { repository, password }
  }
  throw new Error('No key is left')
}
