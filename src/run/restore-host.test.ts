import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NEVER } from '../base/abort.ts'
import { utf8 } from '../base/bytes.ts'
import { isAppError } from '../base/errors.ts'
import { parseBackupPath } from '../device/index.ts'
import { openRestoreHost } from './restore-host.ts'
import { type FakeFolder, fakeTree } from './testing/fake-tree.ts'

const U = '00008120-0008AB48A562DBB5'
const signal = NEVER
const path = (text: string) => parseBackupPath(text, [U])
const badFrame = (error: unknown) => isAppError(error, 'wire.bad-frame')

const STORED: FakeFolder = {
  'Info.plist': 'info',
  'Status.plist': 'status',
  ab: { abcd: 'payload', abce: '' },
}

function setUp(folder: readonly string[] = [U]) {
  const tree = fakeTree(folder.reduceRight<FakeFolder>((inside, name) => ({ [name]: inside }), STORED))
  let sent = 0
  const host = openRestoreHost({
    tree,
    backup: { udid: U, folder },
    onSent: (bytes) => {
      sent += bytes
    },
  })
  const read = async (text: string) => {
    const content = await host.readFile(path(text), { signal })
    return content && Buffer.concat(await Array.fromAsync(content)).toString()
  }
  const list = async (text: string) => {
    const entries = await host.list(path(text), { signal })
    return entries && [...entries].map(({ name, kind, sizeBytes }) => `${kind} ${name} ${sizeBytes}`).toSorted()
  }
  const write = (text: string, content: string) => host.receiveFile(path(text), blocksOf(content), { signal })
  return { host, read, list, write, sentBytes: () => sent }
}

async function* blocksOf(content: string): AsyncGenerator<Uint8Array> {
  for (const letter of content) yield utf8(letter)
}

test('a snapshot is read and listed as the phone names it, wherever it lies in the tree', async () => {
  for (const folder of [[U], ['Users', 'ada', 'Backup', 'renamed']]) {
    const { read, list, sentBytes } = setUp(folder)
    assert.equal(await read(`${U}/Info.plist`), 'info')
    assert.equal(await read(`${U}/ab/abcd`), 'payload')
    assert.equal(await read(`${U}/ab/abce`), '')
    assert.equal(await read(`${U}/ab/gone`), undefined)
    assert.equal(await read(`${U}/ab`), undefined)
    assert.equal(await read(`${U}/ab/abcd/below`), undefined)
    assert.deepEqual(await list(U), ['file Info.plist 4', 'file Status.plist 6', 'folder ab 0'])
    assert.deepEqual(await list(`${U}/ab`), ['file abcd 7', 'file abce 0'])
    assert.equal(await list(`${U}/Snapshot`), undefined)
    assert.equal(await list(`${U}/Info.plist`), undefined)
    assert.equal(sentBytes(), 'infopayload'.length)
  }
})

test('what the phone writes is there for it, and so is everything beside', async () => {
  const { host, read, list, write } = setUp()
  await write(`${U}/Status.plist`, 'restored')
  await write(`${U}/new/deep/file`, 'x')
  await host.makeFolder(path(`${U}/ab`), { signal })
  await host.uploaded([], { signal })
  assert.equal(await read(`${U}/Status.plist`), 'restored')
  assert.equal(await read(`${U}/ab/abcd`), 'payload')
  assert.deepEqual(await list(U), ['file Info.plist 4', 'file Status.plist 8', 'folder ab 0', 'folder new 0'])
  assert.deepEqual(await list(`${U}/new/deep`), ['file file 1'])
})

test('a copy costs nothing and is apart from what it was made of', async () => {
  const { host, read, list, write } = setUp()
  await write(`${U}/mine`, 'before')
  const roomBefore = await host.freeBytes({ signal })
  assert.equal(await host.copy({ from: path(U), to: path(`${U}-1`) }, { signal }), true)
  assert.equal(await host.freeBytes({ signal }), roomBefore)
  await write(`${U}-1/Info.plist`, 'renamed')
  await write(`${U}/mine`, 'after')
  await host.remove([path(`${U}/ab`)], { signal })
  assert.deepEqual([await read(`${U}/Info.plist`), await read(`${U}-1/Info.plist`)], ['info', 'renamed'])
  assert.deepEqual([await read(`${U}/mine`), await read(`${U}-1/mine`)], ['after', 'before'])
  assert.equal(await list(`${U}/ab`), undefined)
  assert.deepEqual(await list(`${U}-1/ab`), ['file abcd 7', 'file abce 0'])
  assert.equal(await host.copy({ from: path(`${U}/gone`), to: path(`${U}/x`) }, { signal }), false)
})

test('moves tell what was missing, and removing what is missing is no failure', async () => {
  const { host, read, list } = setUp()
  const moves = [
    { from: path(`${U}/ab/abcd`), to: path(`${U}/cd/abcd`) },
    { from: path(`${U}/gone`), to: path(`${U}/x`) },
  ]
  assert.deepEqual(await host.move(moves, { signal }), [path(`${U}/gone`)])
  assert.equal(await read(`${U}/cd/abcd`), 'payload')
  assert.deepEqual(await list(`${U}/ab`), ['file abce 0'])
  await host.remove([path(`${U}/gone`), path(`${U}/Info.plist/below`), path(`${U}/cd`)], { signal })
  assert.equal(await read(`${U}/cd/abcd`), undefined)
})

test('there is less room than any phone wants for a copy, and none can be made', async () => {
  const { host } = setUp()
  assert.ok((await host.freeBytes({ signal })) < 128 * 2 ** 20)
  assert.equal(await host.purge(2 ** 31, { signal }), 0)
})

test('a phone that writes without end, or through a file, or into itself, is stopped', async () => {
  const { host, write } = setUp()
  const endless = (async function* () {
    for (;;) yield new Uint8Array(2 ** 20)
  })()
  await assert.rejects(host.receiveFile(path(`${U}/big`), endless, { signal }), badFrame)
  await assert.rejects(write(`${U}/Info.plist/below`, 'x'), badFrame)
  await assert.rejects(host.copy({ from: path(U), to: path(`${U}/ab/again`) }, { signal }), badFrame)
})

test('copies of copies end before the memory does', async () => {
  const { host, write } = setUp()
  for (let count = 0; count < 20; count++) await write(`${U}/a/${count}`, '')
  const doubling = async () => {
    for (let count = 0; count < 30; count++) {
      await host.copy({ from: path(`${U}/a`), to: path(`${U}/b`) }, { signal })
      await host.move([{ from: path(`${U}/b`), to: path(`${U}/a/${count}`) }], { signal })
    }
  }
  await assert.rejects(doubling(), badFrame)
})

/** What a plain object does with the same orders. */
test('any writes and removals leave what they leave in a plain map of files', async () => {
  const names = fc.constantFrom('a', 'b', 'ab', 'abcd')
  const order = fc.record({
    what: fc.constantFrom('write', 'remove'),
    place: fc.array(names, { minLength: 1, maxLength: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(order, { maxLength: 12 }), async (orders) => {
      const { host, read, write } = setUp()
      const model = new Map([
        ['Info.plist', 'info'],
        ['Status.plist', 'status'],
        ['ab/abcd', 'payload'],
        ['ab/abce', ''],
      ])
      for (const { what, place } of orders) {
        const name = place.join('/')
        const throughFile = place.slice(0, -1).some((_, depth) => model.has(place.slice(0, depth + 1).join('/')))
        if (what === 'write') {
          const writing = write(`${U}/${name}`, name)
          if (throughFile) await assert.rejects(writing, badFrame)
          else await writing
        } else await host.remove([path(`${U}/${name}`)], { signal })
        if (throughFile) continue
        for (const file of model.keys()) if (file === name || file.startsWith(`${name}/`)) model.delete(file)
        if (what === 'write') model.set(name, name)
      }
      for (const [name, content] of model) assert.equal(await read(`${U}/${name}`), content)
      for (const { place } of orders) assert.equal(await read(`${U}/${place.join('/')}`), model.get(place.join('/')))
    }),
  )
})
