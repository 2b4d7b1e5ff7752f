import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../base/errors.ts'
import {
  decodeKeyedArchive,
  encodeBinaryPlist,
  type Plist,
  type PlistLimits,
  PlistReal,
  PlistUid,
  parsePlist,
} from './index.ts'

const uid = (value: number) => new PlistUid(value)

/** An archive whose objects follow "$null"; the root is the first of them. */
function archiveOf(...objects: readonly Plist[]): Plist {
  return { $version: 100000, $archiver: 'NSKeyedArchiver', $top: { root: uid(1) }, $objects: ['$null', ...objects] }
}

const classOf = (name: string) => ({ $classname: name, $classes: [name, 'NSObject'] })

function decode(...objects: readonly Plist[]): Plist {
  const value = decodeKeyedArchive(parsePlist(encodeBinaryPlist(archiveOf(...objects))))
  return JSON.parse(JSON.stringify(value, (_, item) => (item?.type === 'Buffer' ? item.data : item)))
}

function refuses(archive: Plist, code: string, saw: RegExp, limits?: Partial<PlistLimits>): void {
  assert.throws(
    () => decodeKeyedArchive(archive, limits),
    (error) => isAppError(error, code) && saw.test(error.message),
  )
}

test('an object of an unknown class is a dictionary with the name of its class', () => {
  const file = { RelativePath: uid(2), Size: 5, $class: uid(3) }
  assert.deepEqual(decode(file, 'Library/a', classOf('MBFile')), {
    RelativePath: 'Library/a',
    Size: 5,
    $class: 'MBFile',
  })
})

test('a reference to "$null" is left out', () => {
  assert.deepEqual(decode({ Target: uid(0), Size: 5, List: [uid(0), 1] }), { Size: 5, List: [1] })
})

test('a text "$null" elsewhere is a text', () => assert.equal(decode('$null'), '$null'))

const FOUNDATION: readonly (readonly [claim: string, objects: readonly Plist[], value: Plist])[] = [
  ['NSData', [{ 'NS.data': Uint8Array.of(1, 2), $class: uid(2) }, classOf('NSMutableData')], Uint8Array.of(1, 2)],
  [
    'NSData by reference',
    [{ 'NS.data': uid(3), $class: uid(2) }, classOf('NSData'), Uint8Array.of(1, 2)],
    Uint8Array.of(1, 2),
  ],
  ['NSString', [{ 'NS.string': 'a', $class: uid(2) }, classOf('NSString')], 'a'],
  ['NSDate', [{ 'NS.time': new PlistReal(0), $class: uid(2) }, classOf('NSDate')], new Date('2001-01-01T00:00:00Z')],
  ['NSArray', [{ 'NS.objects': [uid(3), 7], $class: uid(2) }, classOf('NSArray'), 'a'], ['a', 7]],
  ['NSSet', [{ 'NS.objects': [uid(3)], $class: uid(2) }, classOf('NSSet'), 'a'], ['a']],
  [
    'NSDictionary',
    [{ 'NS.keys': [uid(3)], 'NS.objects': [uid(4)], $class: uid(2) }, classOf('NSMutableDictionary'), 'a', 7],
    Object.assign(Object.create(null), { a: 7 }),
  ],
]

for (const [claim, objects, value] of FOUNDATION) {
  test(`an object of ${claim} is its plain value`, () =>
    assert.deepEqual(decodeKeyedArchive(archiveOf(...objects)), value))
}

test('what is no archive is refused', () => {
  for (const value of [
    'text',
    {},
    { $archiver: 'NSKeyedArchiver', $objects: [], $top: {} },
    { $objects: [], $top: { root: uid(1) } },
  ]) {
    refuses(value, 'plist.malformed', /not a keyed archive/)
  }
})

test('a root that is nil is refused', () => {
  refuses({ $archiver: 'NSKeyedArchiver', $objects: ['$null'], $top: { root: uid(0) } }, 'plist.malformed', /is nil/)
})

test('a reference that leads nowhere is refused', () => {
  refuses(archiveOf([uid(2)]), 'plist.malformed', /archived object 2, of 2/)
})

test('a class without a name is refused', () => {
  refuses(archiveOf({ $class: uid(2) }, 'MBFile'), 'plist.malformed', /class without a name/)
  refuses(archiveOf({ $class: 'MBFile' }), 'plist.malformed', /class without a name/)
})

test('an object that lacks what its class needs is refused', () => {
  for (const name of ['NSData', 'NSString', 'NSDate', 'NSArray', 'NSDictionary']) {
    refuses(archiveOf({ $class: uid(2) }, classOf(name)), 'plist.malformed', new RegExp(`${name} lacks its content`))
  }
})

test('objects that contain themselves are refused', () => {
  refuses(archiveOf(uid(1)), 'plist.malformed', /contains itself/)
  refuses(archiveOf({ a: uid(2) }, [uid(1)]), 'plist.malformed', /object 1 contains itself/)
})

test('shared objects that expand to a billion values are refused', () => {
  const levels = Array.from({ length: 9 }, (_, level) => Array.from({ length: 10 }, () => uid(level + 2)))
  refuses(archiveOf(...levels, 'core'), 'plist.too-big', /more values/)
})

test('a long chain of references is refused', () => {
  const chain = Array.from({ length: 100 }, (_, link) => uid(link + 2))
  refuses(archiveOf(...chain, 'core'), 'plist.too-big', /deeper than 64/)
})

test('the number of values has a limit', () => {
  refuses(archiveOf([1, 2, 3]), 'plist.too-big', /more values/, { visitsMax: 4 })
  assert.deepEqual(decodeKeyedArchive(archiveOf([1, 2, 3]), { visitsMax: 5 }), [1, 2, 3])
})
