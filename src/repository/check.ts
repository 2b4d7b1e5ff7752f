import { fromUtf8 } from '../base/bytes.ts'
import { pathOf } from './backend/backend.ts'
import { BlobIndex } from './blob-index.ts'
import { type Id, sha256 } from './id.ts'
import { decodeIndexFile, type IndexedPack } from './index-file.ts'
import { encodeHeader, packBytes } from './pack.ts'
import { type StoredPack, verifyPack } from './pack-reader.ts'
import { KEY_FILE_BYTES_MAX, Repository } from './repository.ts'
import { loadSnapshot, type Snapshot } from './snapshot.ts'
import { decodeNode, splitTree } from './tree.ts'

/** What can be wrong with a repository. */
export type CheckFindingKind =
  | 'index-damaged'
  | 'index-conflict'
  | 'index-duplicate'
  | 'pack-missing'
  | 'pack-size'
  | 'pack-orphan'
  | 'pack-damaged'
  | 'pack-header'
  | 'snapshot-damaged'
  | 'tree-damaged'
  | 'blob-missing'
  | 'file-damaged'

/** One thing that is wrong. */
export interface CheckFinding {
  readonly kind: CheckFindingKind
  /** `damage`: something cannot be restored as it was. `hint`: it costs room at most. */
  readonly severity: 'damage' | 'hint'
  /** The file, tree or blob it is about. */
  readonly subject: string
  /** What is wrong, for a person. */
  readonly sentence: string
}

/** How far a check is. */
export interface CheckProgress {
  readonly treesRead: number
  /** Of `packs`, when the data is read. */
  readonly packsRead: number
  readonly packs: number
}

/** What a check saw. */
export interface CheckReport {
  /** True without any damage; hints do not count. */
  readonly ok: boolean
  /** The first thousand. */
  readonly findings: readonly CheckFinding[]
  /** All, also those beyond the first thousand. */
  readonly findingCount: number
  readonly snapshots: number
  readonly trees: number
  readonly packs: number
  readonly blobs: number
}

interface CheckOptions {
  /** Reads every pack and proves every byte; without it only the structure is checked. */
  readonly readData: boolean
  readonly signal: AbortSignal
  readonly onProgress?: (progress: CheckProgress) => void
}

/**
 * Checks a repository: indexes against packs, every tree of every snapshot, every file's blobs; with `readData` also every pack's
 * content, and every file's name against its SHA-256. What is wrong comes back as findings; it throws only when aborted.
 * Hold a shared lock meanwhile.
 */
export async function checkRepository(repository: Repository, options: CheckOptions): Promise<CheckReport> {
  return await new Check(repository, options).run()
}

const FINDINGS_MAX = 1000
const ORPHAN = 'No index lists this pack; an interrupted run left it, and the next one takes it over'
const MARKED = 'Another program has marked this pack for deletion; its next prune removes it'

/** What the index says of a pack. */
interface ExpectedPack {
  readonly sizeBytes: number
  readonly headerHash: Id
}

class Check {
  /** Beside the caller's, with an index of its own. */
  readonly #repository: Repository
  readonly #options: CheckOptions
  readonly #expected = new Map<Id, ExpectedPack>()
  readonly #marked = new Set<Id>()
  readonly #findings: CheckFinding[] = []
  #findingCount = 0
  #damages = 0
  #progress: CheckProgress = { treesRead: 0, packsRead: 0, packs: 0 }

  constructor({ backend, sealer, config }: Repository, options: CheckOptions) {
    this.#repository = new Repository(backend, sealer, config)
    this.#options = options
  }

  /** Snapshots come first: whatever they need was durable, and in an index, before they were. */
  async run(): Promise<CheckReport> {
    const snapshots = await this.#readSnapshots()
    await this.#readIndex()
    const packs = await this.#comparePacks()
    await this.#walkTrees(snapshots)
    if (this.#options.readData) {
      await this.#readPacks(packs)
      await this.#hashFiles()
    }
    return {
      ok: this.#damages === 0,
      findings: this.#findings,
      findingCount: this.#findingCount,
      snapshots: snapshots.length,
      trees: this.#progress.treesRead,
      packs: packs.length,
      blobs: this.#repository.index.blobCount,
    }
  }

  async #readSnapshots(): Promise<readonly Snapshot[]> {
    const { signal } = this.#options
    const snapshots: Snapshot[] = []
    for await (const { id } of this.#repository.backend.list('snapshot', { signal })) {
      await this.#attempt('snapshot-damaged', pathOf({ kind: 'snapshot', id }), async () => {
        const snapshot = await loadSnapshot(this.#repository, id, { signal })
        if (snapshot !== undefined) snapshots.push(snapshot)
      })
    }
    return snapshots
  }

  async #readIndex(): Promise<void> {
    const { signal } = this.#options
    const index = new BlobIndex()
    for await (const { id } of this.#repository.backend.list('index', { signal })) {
      const subject = pathOf({ kind: 'index', id })
      await this.#attempt('index-damaged', subject, async () => {
        const text = await this.#repository.loadUnpacked('index', id, { signal })
        if (text === undefined) return
        const { packs, packsToDelete } = decodeIndexFile(text, subject)
        for (const pack of packs) this.#expect(index, pack, subject)
        for (const packId of packsToDelete) this.#marked.add(packId)
      })
    }
    this.#repository.index = index
  }

  #expect(index: BlobIndex, { id, blobs }: IndexedPack, subject: string): void {
    const pack: ExpectedPack = {
      sizeBytes: packBytes(blobs),
      headerHash: sha256(encodeHeader(blobs)),
    }
    const known = this.#expected.get(id)
    if (known === undefined) {
      this.#expected.set(id, pack)
      index.addPack(id, blobs)
    } else if (known.headerHash === pack.headerHash) {
      this.#add('hint', 'index-duplicate', subject, `The pack ${id} is listed in another index file as well`)
    } else {
      this.#add(
        'damage',
        'index-conflict',
        subject,
        `The pack ${id} is listed with other contents in another index file`,
      )
    }
  }

  /** Resolves with the packs that are there and are listed. */
  async #comparePacks(): Promise<readonly StoredPack[]> {
    const found: StoredPack[] = []
    const missing = new Set(this.#expected.keys())
    for await (const pack of this.#repository.backend.list('pack', { signal: this.#options.signal })) {
      missing.delete(pack.id)
      if (this.#compareSize(pack)) found.push(pack)
    }
    for (const id of missing) {
      this.#add('damage', 'pack-missing', pathOf({ kind: 'pack', id }), 'An index lists this pack, but it is gone')
    }
    return found
  }

  #compareSize({ id, sizeBytes }: StoredPack): boolean {
    const expected = this.#expected.get(id)
    const subject = pathOf({ kind: 'pack', id })
    if (expected === undefined) {
      this.#add('hint', 'pack-orphan', subject, this.#marked.has(id) ? MARKED : ORPHAN)
    } else if (expected.sizeBytes !== sizeBytes) {
      this.#add('damage', 'pack-size', subject, `It has ${sizeBytes} bytes instead of ${expected.sizeBytes}`)
    }
    return expected !== undefined
  }

  /** Every tree once, however many snapshots share it. */
  async #walkTrees(snapshots: readonly Snapshot[]): Promise<void> {
    const seen = new Uint8Array(Math.ceil(this.#repository.index.blobCount / 8))
    const open = snapshots.map(({ id, tree }) => ({ tree, path: `snapshot ${id.slice(0, 8)}:` }))
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { tree, path } = next
      const number = this.#repository.index.numberOf('tree', tree)
      if (number !== undefined && (seen[number >>> 3]! & (1 << (number & 7))) !== 0) continue
      if (number !== undefined) seen[number >>> 3]! |= 1 << (number & 7)
      await this.#attempt('tree-damaged', `tree ${tree} (${path})`, async () => {
        for (const folder of await this.#readTree(tree, path)) open.push(folder)
      })
      this.#advance({ treesRead: this.#progress.treesRead + 1 })
    }
  }

  /** Looks up the blobs of its files, and resolves with its folders. */
  async #readTree(tree: Id, path: string): Promise<readonly { readonly tree: Id; readonly path: string }[]> {
    const folders: { tree: Id; path: string }[] = []
    const text = fromUtf8(await this.#repository.loadBlob('tree', tree, { signal: this.#options.signal }))
    for (const stored of splitTree(text, 'The tree')) {
      const node = decodeNode(stored, 'The tree')
      const nodePath = `${path}/${node.name}`
      if (node.kind === 'folder') folders.push({ tree: node.subtree, path: nodePath })
      if (node.kind !== 'file') continue
      for (const id of node.content) {
        if (this.#repository.index.has('data', id)) continue
        this.#add('damage', 'blob-missing', `blob ${id}`, `No index lists this part of the file ${nodePath}`)
      }
    }
    return folders
  }

  async #readPacks(packs: readonly StoredPack[]): Promise<void> {
    const { signal } = this.#options
    this.#advance({ packs: packs.length })
    for (const pack of packs) {
      const subject = pathOf({ kind: 'pack', id: pack.id })
      await this.#attempt('pack-damaged', subject, async () => {
        const blobs = await verifyPack(this.#repository, pack, { signal })
        if (sha256(encodeHeader(blobs)) === this.#expected.get(pack.id)?.headerHash) return
        this.#add('damage', 'pack-header', subject, 'Its header lists other blobs than the index does')
      })
      this.#advance({ packsRead: this.#progress.packsRead + 1 })
    }
  }

  /** Keys and locks; indexes and snapshots are hashed whenever they are read, and the config proves itself. */
  async #hashFiles(): Promise<void> {
    const { signal } = this.#options
    for (const kind of ['key', 'lock'] as const) {
      for await (const { id } of this.#repository.backend.list(kind, { signal })) {
        const subject = pathOf({ kind, id })
        await this.#attempt('file-damaged', subject, async () => {
          const range = { offset: 0, length: KEY_FILE_BYTES_MAX + 1 }
          const bytes = await this.#repository.backend.load({ kind, id }, range, { signal })
          if (bytes === undefined || bytes.length === 0 || sha256(bytes) === id) return
          this.#add('damage', 'file-damaged', subject, 'Its content does not match its name')
        })
      }
    }
  }

  #advance(step: Partial<CheckProgress>): void {
    this.#progress = { ...this.#progress, ...step }
    this.#options.onProgress?.(this.#progress)
  }

  /** A failure becomes a finding of that kind; only an abort goes through. */
  async #attempt(kind: CheckFindingKind, subject: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#options.signal.throwIfAborted()
      this.#add('damage', kind, subject, error instanceof Error ? error.message : String(error))
    }
  }

  #add(severity: CheckFinding['severity'], kind: CheckFindingKind, subject: string, sentence: string): void {
    this.#findingCount++
    if (severity === 'damage') this.#damages++
    if (this.#findings.length < FINDINGS_MAX) this.#findings.push({ kind, severity, subject, sentence })
  }
}
