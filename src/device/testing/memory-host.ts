import type { BackupEntry, BackupHost } from '../backup/backup-host.ts'
import type { BackupPath } from '../device-link/backup-path.ts'

/** A backup folder in memory, for tests. Files by their path, `<UDID>/Status.plist`; every call is noted in `calls`. */
export interface MemoryHost extends BackupHost {
  readonly files: Map<string, Uint8Array>
  readonly folders: Set<string>
  readonly calls: string[]
  room: number
}

export function memoryHost(): MemoryHost {
  const files = new Map<string, Uint8Array>()
  const folders = new Set<string>()
  const calls: string[] = []
  const note = (call: string, ...paths: readonly BackupPath[]) => calls.push([call, ...paths.map(nameOf)].join(' '))
  const isIn = (folder: string, name: string) => name === folder || name.startsWith(`${folder}/`)

  return {
    files,
    folders,
    calls,
    room: 1e12,
    async readFile(path) {
      note('read', path)
      const content = files.get(nameOf(path))
      return content === undefined ? undefined : inPieces(content)
    },
    async list(path) {
      note('list', path)
      if (!folders.has(nameOf(path))) return undefined
      const inside = (name: string) => name.split('/').length === path.length + 1 && isIn(nameOf(path), name)
      const last = (name: string) => name.slice(name.lastIndexOf('/') + 1)
      const entry = (kind: BackupEntry['kind'], name: string, sizeBytes: number) => ({ name, kind, sizeBytes })
      return [
        ...[...folders].filter(inside).map((name) => entry('folder', last(name), 0)),
        ...[...files].filter(([name]) => inside(name)).map(([name, { length }]) => entry('file', last(name), length)),
      ].map((entry) => ({ ...entry, modifiedMs: 0 }))
    },
    async makeFolder(path) {
      note('folder', path)
      for (let depth = 1; depth <= path.length; depth++) folders.add(path.slice(0, depth).join('/'))
    },
    async receiveFile(path, blocks) {
      const pieces: Uint8Array[] = []
      for await (const block of blocks) pieces.push(block)
      note('receive', path)
      files.set(nameOf(path), Buffer.concat(pieces))
    },
    async uploaded(paths) {
      note('uploaded', ...paths)
    },
    async move(moves) {
      const missing: BackupPath[] = []
      for (const { from, to } of moves) {
        note('move', from, to)
        const content = files.get(nameOf(from))
        if (content === undefined) missing.push(from)
        else files.set(nameOf(to), content)
        files.delete(nameOf(from))
      }
      return missing
    },
    async remove(paths) {
      for (const path of paths) {
        note('remove', path)
        for (const name of [...files.keys()].filter((name) => isIn(nameOf(path), name))) files.delete(name)
        for (const name of [...folders].filter((name) => isIn(nameOf(path), name))) folders.delete(name)
      }
    },
    async copy({ from, to }) {
      note('copy', from, to)
      const content = files.get(nameOf(from))
      if (content !== undefined) files.set(nameOf(to), content)
      return content !== undefined
    },
    async freeBytes() {
      return this.room
    },
    async purge() {
      return 0
    },
  }
}

function nameOf(path: BackupPath): string {
  return path.join('/')
}

async function* inPieces(content: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += 50_000) yield content.subarray(at, at + 50_000)
}
