import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FileId, fileIdOf } from '../backup-set/index.ts'
import { nameBeside, placeOf, staysInside } from './extract-names.ts'

const FILE_ID: FileId = fileIdOf({ domain: 'HomeDomain', relativePath: 'a' })

test('a path becomes names below its domain, and the root of a domain is its folder', () => {
  assert.deepEqual(placeOf({ domain: 'HomeDomain', relativePath: 'Library/SMS/sms.db' }), [
    'HomeDomain',
    'Library',
    'SMS',
    'sms.db',
  ])
  assert.deepEqual(placeOf({ domain: 'AppDomain-com.example', relativePath: '' }), ['AppDomain-com.example'])
})

test('odd names that a file system holds stay as they are', () => {
  const relativePath = 'a:b?*<>|"/..a/.../ x \n/é/e\u0301/📱\\..\\b/-rf'
  assert.deepEqual(placeOf({ domain: 'MediaDomain', relativePath }), ['MediaDomain', ...relativePath.split('/')])
})

for (const relativePath of [
  '..',
  '../x',
  'a/../../x',
  'a/..',
  '.',
  'a/./b',
  '/etc/passwd',
  'a//b',
  'a/',
  'a\0',
  '\0',
]) {
  test(`the path ${JSON.stringify(relativePath)} has no place`, () => {
    assert.equal(placeOf({ domain: 'HomeDomain', relativePath }), undefined)
  })
}

for (const domain of ['', '.', '..', 'a/b', '../x', '/', 'a\0', 'SysContainerDomain-../../../x']) {
  test(`the domain ${JSON.stringify(domain)} has no place`, () => {
    assert.equal(placeOf({ domain, relativePath: 'a' }), undefined)
  })
}

test('a name of more than 255 bytes is shortened to whole characters, always in the same way, and stays unlike others', () => {
  const long = 'é'.repeat(128)
  const [, name = ''] = placeOf({ domain: 'HomeDomain', relativePath: long }) ?? []
  assert.equal(name, `${'é'.repeat(123)}~${name.slice(-8)}`)
  assert.ok(Buffer.byteLength(name) <= 255)
  assert.deepEqual(placeOf({ domain: 'HomeDomain', relativePath: `${long}/below` }), ['HomeDomain', name, 'below'])
  assert.notDeepEqual(placeOf({ domain: 'HomeDomain', relativePath: `${long}x` }), ['HomeDomain', name])
  const longest = 'x'.repeat(255)
  assert.deepEqual(placeOf({ domain: longest, relativePath: longest }), [longest, longest])
})

test('a name beside another one fits, too', () => {
  assert.equal(nameBeside('a.txt', FILE_ID), `a.txt~${FILE_ID.slice(0, 8)}`)
  assert.ok(Buffer.byteLength(nameBeside('📱'.repeat(63), FILE_ID)) <= 255)
})

test('a link that climbs no higher than its domain and then descends stays inside', () => {
  for (const [target, linkDepth] of [
    ['b', 1],
    ['b/c.d/...', 1],
    ['../b', 2],
    ['..', 2],
    ['../../a/b', 3],
    ['./b', 1],
    ['./../b/.', 2],
  ] as const) {
    assert.equal(staysInside(target, { linkDepth }), true, target)
  }
})

test('every other link does not', () => {
  for (const [target, linkDepth] of [
    ['', 1],
    ['/private/var/mobile', 9],
    ['..', 1],
    ['../b', 1],
    ['../../b', 2],
    ['b/..', 5],
    ['b/../../c', 5],
    ['b/./../c', 5],
    ['./..', 1],
    ['b//c', 1],
    ['b/', 1],
    ['b\0', 1],
  ] as const) {
    assert.equal(staysInside(target, { linkDepth }), false, JSON.stringify(target))
  }
})
