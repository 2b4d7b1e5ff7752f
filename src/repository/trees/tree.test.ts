import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isAppError } from '../../base/errors.ts'
import { nameBytes } from '../format/go-json.ts'
import { sha256 } from '../format/id.ts'
import {
  compareNames,
  decodeNode,
  decodeOwnFile,
  encodeFile,
  encodeFolder,
  encodeTree,
  renameNode,
  StoredTree,
  splitTree,
} from './tree.ts'

const id = sha256(Buffer.from('content'))
const file = { content: [id], sizeBytes: 7, modifiedMs: Date.parse('2026-01-02T03:04:05.5Z'), mode: 0o644 }
const name = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => text !== '.' && text !== '..')

test('a file is written as restic writes it', () => {
  // As `restic cat blob` shows a node of restic 0.14, but for the fields that it fills from the file system.
  assert.equal(
    encodeFile('Info.plist', file),
    '{"name":"Info.plist","type":"file","mode":420,"mtime":"2026-01-02T03:04:05.5Z","atime":"2026-01-02T03:04:05.5Z",' +
      `"ctime":"2026-01-02T03:04:05.5Z","uid":0,"gid":0,"size":7,"content":["${id}"]}`,
  )
})

test('an empty file has an empty list and no size, a folder has null and Go’s folder bit', () => {
  assert.match(encodeFile('e', { ...file, content: [], sizeBytes: 0 }), /"gid":0,"content":\[\]\}$/)
  const folder = encodeFolder('d', { subtree: id, modifiedMs: 0, mode: 0o755 })
  assert.match(folder, /"type":"dir","mode":2147484141,/)
  assert.match(folder, new RegExp(`"content":null,"subtree":"${id}"}$`))
})

const fileNode = fc
  .tuple(
    fc.array(
      fc.nat().map((n) => sha256(Buffer.from(String(n)))),
      { maxLength: 3 },
    ),
    fc.nat({ max: 10 ** 15 - 1 }),
    fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
    fc.nat({ max: 0o777 }).map((bits) => Math.max(1, bits)),
  )
  .map(([content, sizeBytes, date, mode]) => ({ content, sizeBytes, modifiedMs: date.getTime(), mode }))

test('a file node of ours is read in short, and nothing of it is lost', () => {
  fc.assert(
    fc.property(fileNode, fc.constantFrom('Manifest.db', id.slice(24)), (node, called) => {
      const { content, ...rest } = node
      const json = encodeFile(called, node)
      assert.deepEqual(decodeOwnFile(json), { kind: 'file', ids: content.join(''), ...rest })
      assert.deepEqual(decodeNode({ name: called, json }, 'node'), { name: called, ...node, kind: 'file' })
    }),
  )
})

test('a node that is not exactly ours is not read in short', () => {
  const own = encodeFile('a', file)
  const others: readonly [RegExp | string, string][] = [
    ['"a"', '"\\u00fc"'],
    ['"file"', '"dir"'],
    ['"mode":420', '"mode":0420'],
    ['"mode":420', '"mode":999'],
    [/"atime":"[^"]+"/, '"atime":"2026-01-02T03:04:06Z"'],
    [/\.5Z/g, '.50Z'],
    [/2026-01-02/g, '2026-02-30'],
    ['"uid":0', '"uid":501'],
    ['"size":7', '"size":07'],
    ['"size":7', '"size":7,"links":1'],
    ['"size":7', '"size":9007199254740993'],
    [id, id.toUpperCase()],
    [id, `${id}","`],
    [`"${id}"`, ''],
    [`["${id}"]`, 'null'],
    ['}', ',"x":1}'],
    ['"file"', ' "file"'],
  ]
  assert.ok(decodeOwnFile(own))
  for (const [from, to] of others) {
    const json = own.replace(from, to)
    const read = decodeOwnFile(json)
    if (read !== undefined) assert.equal(encodeFile('a', { ...read, content: [] }), json)
  }
})

test('a tree is cut into the same nodes that it was made of', () => {
  fc.assert(
    fc.property(fc.uniqueArray(name), (names) => {
      const sorted = names.toSorted(compareNames)
      const nodes = sorted.map((each) => encodeFile(each, file))
      const split = splitTree(encodeTree(nodes), 'tree')
      assert.deepEqual(
        split.map((node) => node.json),
        nodes,
      )
      assert.deepEqual(
        split.map((node) => node.name),
        sorted,
      )
    }),
  )
})

test('names are in the order of their bytes', () => {
  fc.assert(
    fc.property(name, name, (left, right) => {
      assert.equal(Math.sign(compareNames(left, right)), Buffer.compare(nameBytes(left), nameBytes(right)))
    }),
  )
  assert.ok(compareNames('\uffff', '\u{10000}') < 0)
})

test('what we do not know survives', () => {
  const foreign =
    '{"name":"a","type":"file","mtime":"2026-01-02T03:04:05.123456789+01:00","inode":18446744073709551615,' +
    `"extended_attributes":[{"name":"x\\"}]","value":"AA=="}],"new_field":{"deep":[1,{"b":2}]},"content":["${id}"]}`
  const [node] = splitTree(`{"nodes":[${foreign}]}\n`, 'tree')
  assert.equal(node?.json, foreign)
  assert.equal(renameNode(foreign, 'b"c'), foreign.replace('"name":"a"', '"name":"b\\\\\\"c"'))
  const read = decodeNode(node, 'node')
  assert.ok(read.kind === 'file' && read.content[0] === id)
  assert.equal(read.modifiedMs, Date.parse('2026-01-02T02:04:05.123Z'))
})

test('empty trees of old and new programs are empty', () => {
  for (const text of ['{"nodes":[]}\n', '{"nodes":null}\n', '{"nodes":[]}'])
    assert.deepEqual(splitTree(text, 'tree'), [])
})

const node = (text: string) => encodeFile(text, file)
const HOSTILE: Readonly<Record<string, string>> = {
  'no tree': 'hello',
  'cut off': encodeTree([node('a')]).slice(0, 60),
  'out of order': encodeTree([node('b'), node('a')]),
  'the same name twice': encodeTree([node('a'), node('a')]),
  'no name': '{"nodes":[{"type":"file"}]}',
  'a name that is not quoted right': '{"nodes":[{"name":"\\\\q","type":"file"}]}',
  'nothing between commas': `{"nodes":[${node('a')},,${node('b')}]}`,
}

for (const [what, text] of Object.entries(HOSTILE)) {
  test(`a tree with ${what} is damage`, () => {
    assert.throws(
      () => splitTree(text, 'tree'),
      (error) => isAppError(error, 'repo.damaged'),
    )
  })
}

test('a node with a content that is no id, or without a subtree, is damage', () => {
  for (const json of [
    '{"name":"a","type":"file","mtime":"2026-01-02T03:04:05Z","content":["../x"]}',
    '{"name":"a","type":"dir","mtime":"2026-01-02T03:04:05Z","content":null}',
    '{"name":"a","type":"file","content":[]}',
  ]) {
    assert.throws(
      () => decodeNode({ name: 'a', json }, 'node'),
      (error) => isAppError(error, 'repo.damaged'),
    )
  }
})

test('a stored tree has the nodes that it is cut into, and finds each of them and no other', () => {
  fc.assert(
    fc.property(fc.uniqueArray(name), name, (names, other) => {
      const nodes = names.toSorted(compareNames).map((each) => encodeFile(each, file))
      const tree = encodeTree(nodes)
      const split = splitTree(tree, 'tree')
      const stored = new StoredTree(Buffer.from(tree), 'tree')
      assert.deepEqual([...stored.nodes()], split)
      for (const node of split) assert.deepEqual(stored.find(node.name), node)
      assert.equal(stored.find(other) === undefined, !names.includes(other))
    }),
  )
})
