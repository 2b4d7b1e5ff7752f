import assert from 'node:assert/strict'
import { forEachAtOnce } from '../../base/at-once.ts'
import { fromUtf8, viewOf } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { randomBytes } from '../../base/random.ts'
import { type HashedKind, pathOf } from '../backend/backend.ts'
import { damaged } from '../errors.ts'
import { decodeConfig } from '../format/config.ts'
import { type Id, sha256, shortId } from '../format/id.ts'
import type { PackedBlob } from '../indexes/blob-index.ts'
import type { StoredPack } from '../packs/pack-reader.ts'
import { KEY_FILE_BYTES_MAX, Repository } from '../repository.ts'
import { byTime, loadSnapshot, type Snapshot } from '../snapshots/snapshot.ts'
import { findingOfPack, findingOfTree, messageOf, sentenceOf } from './check-findings.ts'
import type {
  CheckFinding,
  CheckFindingKind,
  CheckProgress,
  CheckReport,
  HurtFile,
  HurtSnapshot,
} from './check-report.ts'
import { choosePacks, type DataSelection } from './data-selection.ts'
import { type HurtPath, HurtTrees } from './hurt-trees.ts'
import { LostBlobs } from './lost-blobs.ts'
import { examinePack } from './pack-examination.ts'
import { surveyPacks } from './pack-survey.ts'
import type { VerifiedPacks } from './verified-packs.ts'

/** How to check. */
export interface CheckOptions {
  /** Which packs are read whole, so that every byte is proven: true for all. Without them the structure alone is checked. */
  readonly readData: boolean | DataSelection
  readonly signal: AbortSignal
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined
  /** Told of everything at once, also of what does not fit into the report. */
  readonly onFinding?: ((finding: CheckFinding) => void) | undefined
  /** Told of every file and folder that is hurt, up to 100,000 a snapshot. */
  readonly onHurt?: ((hurt: HurtFile) => void) | undefined
  /** Where it is noted which packs were found sound. `oldest` begins with the others, and needs the clock for a limit of time. */
  readonly memory?: { readonly verified: VerifiedPacks; readonly clock: Clock } | undefined
}

/**
 * Checks a repository: every file against its name, indexes against packs, every tree of every snapshot, every file's blobs, and
 * the content of the packs that are chosen. What is wrong comes back as findings, and as the files of the snapshots that are hurt
 * by it; it throws only when aborted, and what listing a folder throws. Hold a shared lock meanwhile, if there can be one.
 */
export async function checkRepository(repository: Repository, options: CheckOptions): Promise<CheckReport> {
  return await new Check(repository, options).run()
}

const FINDINGS_MAX = 1000
/** In the report, of each snapshot. */
const PATHS_MAX = 20
const HURT_TOLD_MAX = 100_000
/** Packs that are read at one time: 4 MiB and a few blobs of memory each. */
const PACKS_AT_ONCE = 2
/** The record of verified packs is written after so many. */
const NOTE_EVERY_PACKS = 64

class Check {
  /** Beside the caller's, with an index of its own. */
  readonly #repository: Repository
  readonly #options: CheckOptions
  readonly #findings: CheckFinding[] = []
  readonly #hurt: HurtSnapshot[] = []
  #findingCount = 0
  #damages = 0
  #progress: CheckProgress = { treesRead: 0, packsRead: 0, packs: 0, bytesRead: 0, bytes: 0 }

  constructor({ backend, sealer, config }: Repository, options: CheckOptions) {
    this.#repository = new Repository(backend, sealer, config)
    this.#options = options
  }

  /** Snapshots come before indexes: whatever they need was durable, and in an index, before they were. */
  async run(): Promise<CheckReport> {
    await this.#hashFiles()
    const snapshots = await this.#readSnapshots()
    const survey = await surveyPacks(this.#repository, this.#options)
    for (const fault of survey.faults) this.#add(findingOfPack(fault))
    this.#repository.index = survey.index
    const lost = new LostBlobs(survey)
    const packs = survey.stored.entries().filter(([id]) => survey.listed.has(id))
    const listedPacks = Array.from(packs, ([id, sizeBytes]) => ({ id, sizeBytes }))
    await this.#readPacks(listedPacks, lost)
    const sound = await this.#walkTrees(snapshots, lost)
    return {
      ok: this.#damages === 0,
      findings: this.#findings,
      findingCount: this.#findingCount,
      snapshots: snapshots.length,
      trees: this.#progress.treesRead,
      packs: listedPacks.length,
      blobs: survey.index.blobCount,
      packsRead: this.#progress.packsRead,
      sound,
      hurt: this.#hurt,
    }
  }

  /** The config, keys and locks; indexes and snapshots are compared with their names whenever they are read. */
  async #hashFiles(): Promise<void> {
    await this.#attempt('file-damaged', 'config', () => this.#openConfig())
    for (const kind of ['key', 'lock'] as const) {
      for await (const { id } of this.#repository.backend.list(kind, this.#options)) {
        await this.#attempt('file-damaged', pathOf({ kind, id }), () => this.#hashFile(kind, id))
      }
    }
  }

  /** The config has no hash for a name, but a seal. */
  async #openConfig(): Promise<void> {
    const { backend, sealer } = this.#repository
    const sealed = await backend.load({ kind: 'config' }, { offset: 0, length: SMALL_BYTES_MAX }, this.#options)
    const plain = sealed && sealer.open(sealed)
    if (plain === undefined) throw damaged('config', sealed ? 'its content was changed' : 'it is missing')
    decodeConfig(fromUtf8(plain), 'config')
  }

  /** A lock that is gone by now, or not written yet, is none. */
  async #hashFile(kind: HashedKind, id: Id): Promise<void> {
    const range = { offset: 0, length: SMALL_BYTES_MAX }
    const bytes = await this.#repository.backend.load({ kind, id }, range, this.#options)
    if (bytes === undefined || (kind === 'lock' && bytes.length === 0) || sha256(bytes) === id) return
    throw damaged(pathOf({ kind, id }), 'its content does not match its name')
  }

  /** Oldest first. */
  async #readSnapshots(): Promise<readonly Snapshot[]> {
    const snapshots: Snapshot[] = []
    for await (const { id } of this.#repository.backend.list('snapshot', this.#options)) {
      const isRead = await this.#attempt('snapshot-damaged', pathOf({ kind: 'snapshot', id }), async () => {
        const snapshot = await loadSnapshot(this.#repository, id, this.#options)
        if (snapshot !== undefined) snapshots.push(snapshot)
      })
      if (!isRead) this.#hurt.push({ id, time: undefined, hostname: undefined, files: 0, folders: 0, paths: [] })
    }
    return snapshots.sort(byTime)
  }

  /** Reads the packs that were chosen, and notes which are sound, also when it is ended in between. */
  async #readPacks(packs: readonly StoredPack[], lost: LostBlobs): Promise<void> {
    const { readData, memory } = this.#options
    const selection = typeof readData === 'object' ? readData : ({ kind: readData ? 'all' : 'none' } as const)
    const verified = (await memory?.verified.read()) ?? new Map<Id, number>()
    const chosen = choosePacks(packs, selection, { verified, seed: viewOf(randomBytes(4)).getUint32(0) })
    if (chosen.length === 0) return
    const bytes = chosen.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    this.#advance({ packs: chosen.length, bytes })
    const present = new Set(packs.map(({ id }) => id))
    for (const id of verified.keys()) if (!present.has(id)) verified.delete(id)
    try {
      await forEachAtOnce(PACKS_AT_ONCE, this.#withinTime(chosen, selection), async (pack) => {
        const isSound = await this.#readPack(pack, lost)
        if (isSound && memory !== undefined) verified.set(pack.id, memory.clock.nowMs())
        else verified.delete(pack.id)
        if (this.#progress.packsRead % NOTE_EVERY_PACKS === 0) await memory?.verified.write(verified)
      })
    } finally {
      await memory?.verified.write(verified)
      this.#advance({ packs: this.#progress.packsRead, bytes: this.#progress.bytesRead })
    }
  }

  *#withinTime(packs: readonly StoredPack[], selection: DataSelection): Generator<StoredPack> {
    const msMax = selection.kind === 'oldest' ? selection.msMax : undefined
    if (msMax === undefined) return yield* packs
    const clock = this.#options.memory?.clock
    assert(clock !== undefined, 'A limit of time needs a clock')
    const untilMs = clock.elapsedMs() + msMax
    for (const pack of packs) {
      if (clock.elapsedMs() >= untilMs) return
      yield pack
    }
  }

  /** True for a pack without fault. */
  async #readPack(pack: StoredPack, lost: LostBlobs): Promise<boolean> {
    const subject = pathOf({ kind: 'pack', id: pack.id })
    const listed = this.#repository.index.blobsOf(pack.id)
    const { signal } = this.#options
    const { damage, failure, headerDiffers, unreadable } = await examinePack(this.#repository, pack, { listed, signal })
    for (const blob of unreadable) if (!(await this.#hasOtherCopy(blob))) lost.addUnreadable(blob)
    if (damage !== undefined) {
      const sentence = failure === undefined ? damage : `${damage}: ${messageOf(failure)}`
      this.#add({ kind: 'pack-damaged', severity: 'damage', subject, sentence })
    }
    if (headerDiffers) {
      const sentence = 'Its header lists other blobs than the index does'
      this.#add({ kind: 'pack-header', severity: 'damage', subject, sentence })
    }
    const { packsRead, bytesRead } = this.#progress
    this.#advance({ packsRead: packsRead + 1, bytesRead: bytesRead + pack.sizeBytes })
    return damage === undefined && !headerDiffers
  }

  async #hasOtherCopy({ type, id }: PackedBlob): Promise<boolean> {
    if (this.#repository.index.findAll(type, id).length < 2) return false
    try {
      await this.#repository.loadBlob(type, id, this.#options)
      return true
    } catch {
      this.#options.signal.throwIfAborted()
      return false
    }
  }

  /** Resolves with the snapshots that nothing is wrong with. */
  async #walkTrees(snapshots: readonly Snapshot[], lost: LostBlobs): Promise<readonly Id[]> {
    const trees = new HurtTrees(this.#repository, lost, {
      signal: this.#options.signal,
      onTree: () => this.#advance({ treesRead: this.#progress.treesRead + 1 }),
      onFault: (fault) => this.#add(findingOfTree(fault)),
    })
    const sound: Id[] = []
    for (const snapshot of snapshots) {
      const { id, tree, time, hostname } = snapshot
      const { files, folders } = await trees.count(tree, `snapshot ${shortId(id)}:`)
      if (files + folders === 0) sound.push(id)
      else this.#hurt.push({ id, time, hostname, files, folders, paths: await this.#listHurt(snapshot, trees) })
    }
    return sound
  }

  /** Tells of everything that is hurt, and resolves with the first few. */
  async #listHurt({ id, tree }: Snapshot, trees: HurtTrees): Promise<readonly HurtPath[]> {
    const { onHurt } = this.#options
    const paths: HurtPath[] = []
    let told = 0
    for await (const hurt of trees.list(tree)) {
      if (paths.length < PATHS_MAX) paths.push(hurt)
      onHurt?.({ snapshot: id, ...hurt })
      if (++told === (onHurt === undefined ? PATHS_MAX : HURT_TOLD_MAX)) break
    }
    return paths
  }

  #advance(step: Partial<CheckProgress>): void {
    this.#progress = { ...this.#progress, ...step }
    this.#options.onProgress?.(this.#progress)
  }

  /** False for a failure, which becomes a finding of that kind; only an abort goes through. */
  async #attempt(kind: CheckFindingKind, subject: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      this.#options.signal.throwIfAborted()
      this.#add({ kind, severity: 'damage', subject, sentence: sentenceOf(subject, error) })
      return false
    }
  }

  #add(finding: CheckFinding): void {
    this.#findingCount++
    if (finding.severity === 'damage') this.#damages++
    if (this.#findings.length < FINDINGS_MAX) this.#findings.push(finding)
    this.#options.onFinding?.(finding)
  }
}

/** What is read of a config, a key or a lock: more than any of them has. */
const SMALL_BYTES_MAX = KEY_FILE_BYTES_MAX + 1
