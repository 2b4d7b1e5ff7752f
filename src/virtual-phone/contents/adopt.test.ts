import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { isAppError } from '../../base/errors.ts'
import { stoppedClock } from '../testing/stopped-clock.ts'
import { PLAIN_FILE, PLAIN_FOLDER } from './entry.ts'
import { digestContents, type FileStore, openEmptyContents, openFileStore, PhoneContents } from './index.ts'

const signal = NEVER
const clock = stoppedClock()
const none = () => false
const all = () => true

const newContents = () => new PhoneContents({ identity: {}, apps: [], clock })
const paths = (contents: PhoneContents) =>
  Array.from(contents.entries(), ({ domain, relativePath }) => `${domain}:${relativePath}`).filter(
    (name) => !name.endsWith(':'),
  )

/** Contents with these files, `domain:path`, whose bytes are their names, in a store. */
async function bring(...names: string[]): Promise<{ brought: PhoneContents; store: FileStore }> {
  const store = await openFileStore()
  const brought = newContents()
  for (const [seed, name] of names.entries()) {
    const [domain = '', relativePath = ''] = name.split(':')
    await writeFile(store.pathOf(seed), name)
    brought.put({ domain, relativePath, traits: PLAIN_FILE, modifiedS: 7, source: store, seed, size: name.length })
  }
  return { brought, store }
}

async function textAt(contents: PhoneContents, name: string): Promise<string> {
  const [domain = '', relativePath = ''] = name.split(':')
  return Buffer.concat(await Array.fromAsync(contents.read({ domain, relativePath }, { signal }))).toString()
}

test('what is adopted replaces what is at its place, and the rest stays', async () => {
  await using contents = newContents()
  contents.write({ domain: 'A', relativePath: 'x' }, Buffer.from('mine'))
  contents.write({ domain: 'A', relativePath: 'y' }, Buffer.from('mine too'))
  const { brought, store } = await bring('A:x', 'B:z')
  await contents.adopt(brought, { store, loses: none })
  assert.deepEqual(paths(contents), ['A:x', 'A:y', 'B:z'])
  assert.equal(await textAt(contents, 'A:x'), 'A:x')
  assert.equal(await textAt(contents, 'A:y'), 'mine too')
  assert.deepEqual(contents.totals, { files: 3, folders: 2, links: 0, bytes: 3 + 8 + 3 })
})

test('a domain that is to lose everything has only what is adopted, and is gone if that is nothing', async () => {
  await using contents = newContents()
  for (const domain of ['A', 'B', 'C']) contents.write({ domain, relativePath: 'deep/own' }, Buffer.from('mine'))
  const { brought, store } = await bring('A:x')
  await contents.adopt(brought, { store, loses: (domain) => domain !== 'C' })
  assert.deepEqual(paths(contents), ['C:deep', 'C:deep/own', 'A:x'])
  assert.deepEqual(contents.totals, { files: 2, folders: 3, links: 0, bytes: 4 + 3 })
})

test('a file takes the place of a folder with all that is in it, and a folder that of a file', async () => {
  await using contents = newContents()
  contents.write({ domain: 'A', relativePath: 'x/inside' }, Buffer.from('mine'))
  contents.write({ domain: 'A', relativePath: 'y' }, Buffer.from('mine'))
  const { brought, store } = await bring('A:x', 'A:y/inside')
  await contents.adopt(brought, { store, loses: none })
  assert.deepEqual(paths(contents).sort(), ['A:x', 'A:y', 'A:y/inside'])
  assert.deepEqual(contents.totals, { files: 2, folders: 2, links: 0, bytes: 3 + 10 })
})

test('an adoption is an edit, and no time goes back', async () => {
  await using contents = newContents()
  contents.write({ domain: 'A', relativePath: 'x' }, Buffer.from('mine'))
  const { edits, newestS } = contents.revision
  const { brought, store } = await bring('A:x')
  await contents.adopt(brought, { store, loses: none })
  assert.deepEqual(contents.revision, { edits: edits + 1, newestS })
})

test('a store is removed when nothing of it is left, and all with the contents', async () => {
  const contents = newContents()
  const one = await bring('A:x', 'A:y')
  await contents.adopt(one.brought, { store: one.store, loses: none })
  const two = await bring('A:x')
  await contents.adopt(two.brought, { store: two.store, loses: none })
  assert.ok(existsSync(one.store.pathOf(1)), 'y is still there')
  const three = await bring('B:z')
  await contents.adopt(three.brought, { store: three.store, loses: all })
  assert.ok(!existsSync(one.store.pathOf(1)) && !existsSync(two.store.pathOf(0)))
  assert.equal(await textAt(contents, 'B:z'), 'B:z')
  await contents[Symbol.asyncDispose]()
  assert.ok(!existsSync(three.store.pathOf(0)))
})

test('equal phones have equal digests, and every difference shows', async () => {
  const change = (edit: (contents: PhoneContents) => void) => {
    const contents = openEmptyContents({ ios: '17.5', clock })
    edit(contents)
    return Array.fromAsync(digestContents(contents, { signal }))
  }
  const place = { domain: 'A', relativePath: 'x' }
  const file = { ...place, traits: PLAIN_FILE, modifiedS: 7 }
  const plain = await change((contents) => contents.put({ ...file, ...bytes('1') }))
  assert.deepEqual(await change((contents) => contents.put({ ...file, ...bytes('1') })), plain)
  for (const other of [
    { ...file, ...bytes('2') },
    { ...file, ...bytes('1'), modifiedS: 8 },
    { ...file, ...bytes('1'), traits: { ...PLAIN_FILE, mode: 0o100600 } },
    { ...file, ...bytes('1'), traits: { ...PLAIN_FILE, protectionClass: 1 } },
    { ...file, traits: { ...PLAIN_FILE, kind: 'link' as const }, target: '1' },
    { ...file, traits: PLAIN_FOLDER, folder: true as const },
  ]) {
    assert.notDeepEqual(await change((contents) => contents.put(other)), plain)
  }
})

const bytes = (text: string) => ({ source: { blocks: () => [Buffer.from(text)] }, seed: 0, size: text.length })

test('digests come by domain and path, whatever the order on the phone', async () => {
  const contents = newContents()
  for (const name of ['b', 'a/c', 'a', 'é']) {
    if (name !== 'a') contents.write({ domain: name, relativePath: 'x' }, Buffer.from(name))
  }
  const domains = await Array.fromAsync(digestContents(contents, { signal }), ({ domain }) => domain)
  assert.deepEqual(domains, domains.toSorted())
  assert.deepEqual(new Set(domains), new Set(['a/c', 'b', 'é']))
})

test('a file that is removed while digests are made is an error', async () => {
  const contents = newContents()
  contents.write({ domain: 'A', relativePath: 'x' }, Buffer.from('1'))
  const digests = digestContents(contents, { signal })
  await digests.next()
  contents.remove({ domain: 'A', relativePath: 'x' })
  await assert.rejects(digests.next(), (error) => isAppError(error, 'virtual-phone.no-such-file'))
})

test('a phone from the factory holds one file and no apps', () => {
  const contents = openEmptyContents({ ios: '17.5', clock })
  assert.equal(contents.totals.files, 1)
  assert.deepEqual(contents.apps, [])
  assert.equal(contents.identity.productVersion, '17.5')
})
