import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isAppError } from '../../base/errors.ts'
import { type BlobId, type Id, sha256 } from '../format/id.ts'
import { backUp, memoryRepository, openedAgain, putBytes, readFiles } from '../testing/repositories.ts'
import { clock, signal } from '../testing/restic.ts'
import { openWriter, type RepositoryWriter } from '../write/writer.ts'
import { type CowTree, openTree } from './cow-tree.ts'
import { isTreeWhole } from './tree-whole.ts'

const options = { signal }
const text = (content: string) => Buffer.from(content)

const NOWHERE = sha256(text('stored nowhere'))

async function openedTree(root?: (writer: RepositoryWriter) => Promise<Id>) {
  const { repository, backend } = await memoryRepository()
  const writer = openWriter(repository, { clock, signal })
  const tree = openTree(writer, root && (await root(writer)))
  return { repository, backend, writer, tree, [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose]() }
}

async function names(tree: CowTree, path: readonly string[]): Promise<readonly string[]> {
  return (await Array.fromAsync(tree.list(path, options))).map((entry) => entry.name)
}

test('what was put is there before and after a commit', async () => {
  await using opened = await openedTree()
  const { tree, writer } = opened
  await putBytes(writer, tree, ['udid', 'ab', 'file'], text('hello'))
  for (let turn = 0; turn < 2; turn++) {
    assert.deepEqual(await tree.stat(['udid', 'ab', 'file'], options), {
      name: 'file',
      kind: 'file',
      sizeBytes: 5,
      modifiedMs: 1_700_000_000_123,
    })
    assert.equal((await tree.stat(['udid'], options))?.kind, 'folder')
    assert.equal((await tree.stat([], options))?.kind, 'folder')
    assert.equal(await tree.stat(['udid', 'none'], options), undefined)
    assert.equal(await tree.stat(['udid', 'ab', 'file', 'below'], options), undefined)
    assert.deepEqual(await names(tree, ['udid', 'ab']), ['file'])
    assert.deepEqual(await names(tree, ['none']), [])
    const bytes = await Array.fromAsync(tree.readFile(['udid', 'ab', 'file'], options))
    assert.equal(Buffer.concat(bytes).toString(), 'hello')
    await tree.commit(options)
  }
})

test('a commit without a change stores nothing and gives the same id', async () => {
  await using opened = await openedTree()
  const { tree, writer } = opened
  await putBytes(writer, tree, ['a', 'b', 'c'], text('hello'))
  const first = await tree.commit(options)
  const { treeBlobs } = writer.stats
  assert.equal(await tree.commit(options), first)
  assert.equal(writer.stats.treeBlobs, treeBlobs)
})

test('folders that nobody changed keep their ids: only the way from the root is stored anew', async () => {
  const { repository } = await memoryRepository()
  const files = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`u/${n % 10}/f${n}`, text(`file ${n}`)]))
  const { tree: root } = await backUp(repository, files)
  await using writer = openWriter(repository, { clock, signal })
  const tree = openTree(writer, root)
  await putBytes(writer, tree, ['u', '3', 'new'], text('new'))
  await tree.commit(options)
  await writer.flush(options)
  assert.equal(writer.stats.treeBlobs, 3)
  assert.equal(writer.stats.dataBlobs, 1)
})

test('undoing a change gives the old id back', async () => {
  await using opened = await openedTree()
  const { tree, writer } = opened
  await putBytes(writer, tree, ['u', 'a'], text('a'))
  const before = await tree.commit(options)
  await putBytes(writer, tree, ['u', 'b'], text('b'))
  assert.notEqual(await tree.commit(options), before)
  assert.equal(await tree.remove(['u', 'b'], options), true)
  assert.equal(await tree.commit(options), before)
})

test('a move replaces a file or a whole folder, and takes all that is below', async () => {
  await using opened = await openedTree()
  const { tree, writer } = opened
  await putBytes(writer, tree, ['snapshot', 'ab', 'new'], text('new'))
  await putBytes(writer, tree, ['udid', 'ab', 'old'], text('old'))
  await tree.commit(options)
  assert.equal(await tree.move(['snapshot'], ['udid'], options), true)
  assert.deepEqual(await names(tree, []), ['udid'])
  assert.deepEqual(await names(tree, ['udid', 'ab']), ['new'])
  assert.equal(await tree.move(['udid', 'ab', 'new'], ['udid', 'Status.plist'], options), true)
  await tree.commit(options)
  assert.deepEqual(await names(tree, ['udid']), ['Status.plist', 'ab'])
  assert.equal(await tree.move(['none'], ['udid'], options), false)
  assert.equal(await tree.move(['udid'], ['udid'], options), true)
  assert.deepEqual(await names(tree, ['udid']), ['Status.plist', 'ab'])
})

test('a folder may take the place of the one above it, but not move below itself', async () => {
  await using opened = await openedTree()
  const { tree, writer } = opened
  await putBytes(writer, tree, ['a', 'b', 'c'], text('c'))
  await assert.rejects(tree.move(['a'], ['a', 'b', 'd'], options), (error) => isAppError(error, 'repo.bad-path'))
  assert.equal(await tree.move(['a', 'b'], ['a'], options), true)
  assert.deepEqual(await names(tree, ['a']), ['c'])
})

test('a copy and its source change apart from each other', async () => {
  await using opened = await openedTree()
  const { tree, writer } = opened
  await putBytes(writer, tree, ['a', 'below', 'one'], text('one'))
  assert.equal(await tree.copy(['a'], ['b'], options), true)
  await putBytes(writer, tree, ['b', 'below', 'two'], text('two'))
  await tree.remove(['a', 'below', 'one'], options)
  assert.deepEqual(await names(tree, ['a', 'below']), [])
  assert.deepEqual(await names(tree, ['b', 'below']), ['one', 'two'])
  assert.equal(await tree.copy(['none'], ['c'], options), false)
})

test('removing takes all that is below; what is missing is an answer', async () => {
  await using opened = await openedTree()
  const { tree, writer } = opened
  await putBytes(writer, tree, ['a', 'b', 'c'], text('c'))
  await tree.commit(options)
  assert.equal(await tree.remove(['a', 'x'], options), false)
  assert.equal(await tree.remove(['a'], options), true)
  assert.equal(await tree.stat(['a', 'b', 'c'], options), undefined)
  await putBytes(writer, tree, ['a', 'd'], text('d'))
  assert.deepEqual(await names(tree, ['a']), ['d'])
})

test('making a folder twice keeps what is in it', async () => {
  await using opened = await openedTree()
  const { tree, writer } = opened
  await putBytes(writer, tree, ['a', 'b'], text('b'))
  await tree.makeFolder(['a'], options)
  await tree.makeFolder(['a', 'empty'], options)
  await tree.commit(options)
  assert.deepEqual(await names(tree, ['a']), ['b', 'empty'])
})

test('names from outside that could lead elsewhere are refused', async () => {
  await using opened = await openedTree()
  const { tree } = opened
  const file = { content: [], sizeBytes: 0, modifiedMs: 0 }
  for (const name of ['', '.', '..', 'a/b', '/etc/passwd', 'nul\0', '\ud800', 'x'.repeat(256)]) {
    await assert.rejects(tree.putFile(['u', name], file, options), (error) => isAppError(error, 'repo.bad-path'))
    await assert.rejects(tree.makeFolder([name], options), (error) => isAppError(error, 'repo.bad-path'))
    await assert.rejects(tree.move([name], ['a'], options), (error) => isAppError(error, 'repo.bad-path'))
  }
  await assert.rejects(tree.putFile([], file, options), (error) => isAppError(error, 'repo.bad-path'))
  const deep = Array.from({ length: 300 }, () => 'd')
  await assert.rejects(tree.putFile(deep, file, options), (error) => isAppError(error, 'repo.bad-path'))
  assert.deepEqual(await names(tree, []), [])
})

test('two names of the same bytes never stand in one folder', async () => {
  await using opened = await openedTree()
  const { tree, writer } = opened
  await putBytes(writer, tree, ['é'], text('a'))
  await assert.rejects(putBytes(writer, tree, ['\udcc3\udca9'], text('b')), (error) =>
    isAppError(error, 'repo.bad-path'),
  )
  assert.deepEqual(await names(openTree(writer, await tree.commit(options)), []), ['é'])
})

test('a folder’s node that would not take its new tree is damage, not a change that gets lost', async () => {
  const node = `{"name":"a","type":"dir","mtime":"2026-01-02T03:04:05Z","subtree": "${'0'.repeat(64)}"}`
  await using opened = await openedTree(async (writer) => {
    const empty = await writer.saveBlob('tree', text('{"nodes":[]}\n'))
    return await writer.saveBlob('tree', text(`{"nodes":[${node.replace('0'.repeat(64), empty)}]}\n`))
  })
  const { tree, writer } = opened
  await putBytes(writer, tree, ['a', 'b'], text('b'))
  await assert.rejects(tree.commit(options), (error) => isAppError(error, 'repo.damaged'))
})

test('folders that double with every copy cost no more memory than the copies', async () => {
  await using opened = await openedTree()
  const { tree, writer, repository } = opened
  await putBytes(writer, tree, ['a', 'file'], text('file'))
  for (let n = 0; n < 40; n++) {
    await tree.copy(['a'], ['b'], options)
    await tree.move(['b'], ['a', 'b'], options)
  }
  const root = await tree.commit(options)
  await writer.flush(options)
  assert.equal(await isTreeWhole(repository, root, options), true)
  assert.equal((await tree.stat(['a', ...Array.from({ length: 40 }, () => 'b'), 'file'], options))?.kind, 'file')
})

test('a file is no way to a folder', async () => {
  await using opened = await openedTree()
  const { tree, writer } = opened
  await putBytes(writer, tree, ['a'], text('a'))
  await assert.rejects(putBytes(writer, tree, ['a', 'b'], text('b')), (error) => isAppError(error, 'repo.bad-path'))
  await assert.rejects(Array.fromAsync(tree.readFile(['none'], options)), (error) => isAppError(error, 'repo.bad-path'))
  assert.deepEqual(await names(tree, []), ['a'])
})

test('of a file neighbouring blobs are one request, the next is on its way while one is in use, and fails only in its turn', async () => {
  const { repository, backend } = await memoryRepository()
  await using writer = openWriter(repository, { clock, signal })
  const content: BlobId[] = []
  for (const pack of [['one', 'uno'], ['two']]) {
    for (const word of pack) content.push(await writer.saveBlob('data', text(word)))
    await writer.flush(options)
  }
  const unsaved = await writer.saveBlob('data', text('unsaved'))
  const loaded: string[] = []
  const load = backend.load.bind(backend)
  backend.load = async (name, ...rest) => {
    if (name.kind === 'pack') loaded.push(name.id)
    return await load(name, ...rest)
  }
  const tree = openTree(writer, undefined)
  await tree.putFile(['f'], { content: [...content, unsaved, NOWHERE], sizeBytes: 16, modifiedMs: 0 }, options)
  const blocks = tree.readFile(['f'], options)[Symbol.asyncIterator]()
  const next = async () => String(Buffer.from((await blocks.next()).value))
  assert.deepEqual([await next(), loaded.length], ['one', 1])
  assert.deepEqual([await next(), loaded.length], ['uno', 2])
  assert.deepEqual([await next(), await next(), loaded.length], ['two', 'unsaved', 2])
  await assert.rejects(next(), (error) => isAppError(error, 'repo.damaged'))
})

test('calls that overlap do not lose each other’s changes', async () => {
  await using opened = await openedTree()
  const { tree, writer } = opened
  await putBytes(writer, tree, ['u', 'x', 'old'], text('old'))
  await tree.commit(options)
  const all = Array.from({ length: 50 }, (_, n) => `f${String(n).padStart(2, '0')}`)
  await Promise.all(all.map((name) => putBytes(writer, tree, ['u', 'x', name], text(name))))
  assert.deepEqual(await names(tree, ['u', 'x']), [...all, 'old'])
})

// The model: a plain map from path to text, and folders as prefixes of paths.
type Step =
  | { readonly do: 'put'; readonly to: readonly string[]; readonly text: string }
  | { readonly do: 'move' | 'copy'; readonly from: readonly string[]; readonly to: readonly string[] }
  | { readonly do: 'remove'; readonly from: readonly string[] }
  | { readonly do: 'commit' }
  | { readonly do: 'reopen' }

/** Files with such names are kept in another way. */
const HASH_NAMES = ['0123456789abcdef0123456789abcdef01234567', 'ffffffffffffffffffffffffffffffffffffffff']
const path = fc.array(fc.constantFrom('a', 'b', 'ü', ...HASH_NAMES), { minLength: 1, maxLength: 3 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('put'), to: path, text: fc.constantFrom('one', 'two') }),
  fc.record({ do: fc.constantFrom('move', 'copy'), from: path, to: path }),
  fc.record({ do: fc.constant('remove'), from: path }),
  fc.record({ do: fc.constant('commit') }),
  fc.record({ do: fc.constant('reopen') }),
)

test('any edits leave what a plain map of paths would hold', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      await using opened = await openedTree()
      const model = new Map<string, string>()
      let { tree } = opened
      for (const each of steps) {
        if (each.do === 'reopen') tree = openTree(opened.writer, await tree.commit(options))
        else if (await apply(tree, opened.writer, each)) applyToModel(model, each)
      }
      const root = await tree.commit(options)
      await opened.writer.flush(options)
      const files = await readFiles(await openedAgain(opened.backend), root)
      const found = Object.entries(files).map(([name, bytes]) => [name, bytes.toString()])
      assert.deepEqual(new Map(found.map(([name, content]) => [name!, content!])), new Map([...model].sort()))
    }),
    { numRuns: 60 },
  )
})

/** False when the tree refused, so that the model does nothing either. */
async function apply(tree: CowTree, writer: RepositoryWriter, each: Exclude<Step, { do: 'reopen' }>): Promise<boolean> {
  try {
    if (each.do === 'put') await putBytes(writer, tree, each.to, text(each.text))
    else if (each.do === 'remove') return await tree.remove(each.from, options)
    else if (each.do === 'commit') await tree.commit(options)
    else return await tree[each.do](each.from, each.to, options)
    return true
  } catch (error) {
    assert.ok(isAppError(error, 'repo.bad-path'))
    return false
  }
}

function applyToModel(model: Map<string, string>, each: Step): void {
  if (each.do === 'commit' || each.do === 'reopen') return
  const below = (at: readonly string[]) => [...model].filter(([key]) => `${key}/`.startsWith(`${at.join('/')}/`))
  const drop = (at: readonly string[]) => {
    for (const [key] of below(at)) model.delete(key)
  }
  if (each.do === 'remove') drop(each.from)
  else if (each.do === 'put') {
    drop(each.to)
    model.set(each.to.join('/'), each.text)
  }
  if (each.do === 'remove' || each.do === 'put') return
  if (each.from.join('/') === each.to.join('/')) return
  const source = below(each.from)
  if (each.do === 'move') drop(each.from)
  drop(each.to)
  for (const [key, content] of source) model.set(each.to.join('/') + key.slice(each.from.join('/').length), content)
}
