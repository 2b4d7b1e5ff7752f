import { viewOf } from '../../base/bytes.ts'
import type { Entry } from '../contents/index.ts'

/** What a backup knows about a file's bytes as the host stores them. */
export interface StoredBytes {
  /** SHA-1, 20 bytes. */
  readonly digest?: Uint8Array
  /** Protection class and wrapped key, 44 bytes. */
  readonly encryptionKey?: Uint8Array
}

/**
 * The `file` column of Manifest.db: a keyed archive of one MBFile, as a binary plist whose `$objects` are null, the MBFile,
 * its path, then target, digest and key with its class as far as there are any, and its class last.
 * Source: docs/protocol/mobilebackup2.md#manifest
 */
export function encodeMbFile(entry: Entry, { digest, encryptionKey }: StoredBytes = {}): Uint8Array {
  const objects = [...FIXED_OBJECTS]
  const add = (object: Uint8Array) => objects.push(object) - 1
  const file = add(NOTHING)
  const archived = [NULL_REF, file]
  const fields: Field[] = []
  const archive = (name: FieldName, ...parts: readonly Uint8Array[]) => {
    fields.push([keyRef(name), add(plistUid(archived.length))])
    archived.push(...parts.map(add))
  }
  archive('RelativePath', plistText(entry.relativePath))
  if (entry.target !== undefined) archive('Target', plistText(entry.target))
  if (digest !== undefined) archive('Digest', plistData(digest))
  if (encryptionKey !== undefined) archive('EncryptionKey', ...encodeMutableData(encryptionKey, archived.length, add))
  fields.push(...numbersOf(entry, add), [keyRef('$class'), add(plistUid(archived.length))])
  objects[file] = plistDict(fields)
  objects[OBJECTS_REF] = plistArray([...archived, CLASS_REF])
  return joinPlist(objects)
}

type Add = (object: Uint8Array) => number
type Field = readonly [keyRef: number, valueRef: number]

function numbersOf(entry: Entry, add: Add): Field[] {
  const number = (name: FieldName, value: number): Field => [keyRef(name), add(plistInteger(value))]
  return [
    number('LastModified', entry.modifiedS),
    number('Flags', entry.flags),
    number('GroupID', entry.groupId),
    number('LastStatusChange', entry.changedS),
    number('Birth', entry.bornS),
    number('Size', entry.size),
    number('InodeNumber', entry.inode),
    number('Mode', entry.mode),
    number('UserID', entry.userId),
    number('ProtectionClass', entry.protectionClass),
  ]
}

/** An NSMutableData that will be archived at that place, and its class, at the next one. */
function encodeMutableData(bytes: Uint8Array, place: number, add: Add): readonly Uint8Array[] {
  const text = (value: string) => add(plistText(value))
  const classes = plistArray(['NSMutableData', 'NSData', 'NSObject'].map(text))
  return [
    plistDict([
      [text('NS.data'), add(plistData(bytes))],
      [keyRef('$class'), add(plistUid(place + 1))],
    ]),
    plistDict([
      [text('$classname'), text('NSMutableData')],
      [text('$classes'), add(classes)],
    ]),
  ]
}

const NOTHING = new Uint8Array(0)

/** Whole numbers take 1, 2, 4 or 8 bytes; negative ones always 8. */
function plistInteger(value: number): Uint8Array {
  if (value < 0 || value >= 2 ** 32) {
    const bytes = Uint8Array.of(0x13, 0, 0, 0, 0, 0, 0, 0, 0)
    viewOf(bytes).setBigInt64(1, BigInt(value))
    return bytes
  }
  if (value < 0x100) return Uint8Array.of(0x10, value)
  if (value < 0x10000) return Uint8Array.of(0x11, value >> 8, value)
  return Uint8Array.of(0x12, value >>> 24, value >> 16, value >> 8, value)
}

function plistText(text: string): Uint8Array {
  if (/^[\0-\x7f]*$/.test(text)) return withHead(0x50, text.length, Buffer.from(text, 'latin1'))
  return withHead(0x60, text.length, Buffer.from(text, 'utf16le').swap16())
}

const plistData = (bytes: Uint8Array) => withHead(0x40, bytes.length, bytes)
const plistArray = (refs: readonly number[]) => withHead(0xa0, refs.length, Uint8Array.from(refs))
const plistDict = (fields: readonly Field[]) =>
  withHead(0xd0, fields.length, Uint8Array.from([...fields.map(([key]) => key), ...fields.map(([, value]) => value)]))
const plistUid = (value: number) => Uint8Array.of(0x80, value)

function withHead(marker: number, count: number, body: Uint8Array): Uint8Array {
  const head = count < 15 ? Uint8Array.of(marker | count) : [marker | 15, ...plistInteger(count)]
  const object = new Uint8Array(head.length + body.length)
  object.set(head)
  object.set(body, head.length)
  return object
}

const FIELD_NAMES = [
  'LastModified',
  'Flags',
  'GroupID',
  'LastStatusChange',
  'RelativePath',
  'Birth',
  'Size',
  'InodeNumber',
  '$class',
  'Mode',
  'UserID',
  'ProtectionClass',
  'Digest',
  'Target',
  'EncryptionKey',
] as const

type FieldName = (typeof FIELD_NAMES)[number]

const keyRef = (name: FieldName) => FIRST_KEY_REF + FIELD_NAMES.indexOf(name)

/** Objects that every archive has, at the same place in its object table; `$objects` itself is filled in for each. */
const OBJECTS_REF = 1
const NULL_REF = 2
const CLASS_REF = 3
const FIRST_KEY_REF = 4

const ARCHIVE_PART = FIRST_KEY_REF + FIELD_NAMES.length
const FIXED_OBJECTS: readonly Uint8Array[] = [
  plistDict([
    [ARCHIVE_PART, ARCHIVE_PART + 1],
    [ARCHIVE_PART + 2, ARCHIVE_PART + 3],
    [ARCHIVE_PART + 4, ARCHIVE_PART + 5],
    [ARCHIVE_PART + 6, OBJECTS_REF],
  ]),
  NOTHING,
  plistText('$null'),
  plistDict([
    [ARCHIVE_PART + 9, ARCHIVE_PART + 10],
    [ARCHIVE_PART + 11, ARCHIVE_PART + 12],
  ]),
  ...FIELD_NAMES.map(plistText),
  plistText('$version'),
  plistInteger(100_000),
  plistText('$archiver'),
  plistText('NSKeyedArchiver'),
  plistText('$top'),
  plistDict([[ARCHIVE_PART + 7, ARCHIVE_PART + 8]]),
  plistText('$objects'),
  plistText('root'),
  plistUid(1),
  plistText('$classname'),
  plistText('MBFile'),
  plistText('$classes'),
  plistArray([ARCHIVE_PART + 10, ARCHIVE_PART + 13]),
  plistText('NSObject'),
]

const MAGIC = Buffer.from('bplist00')
const TRAILER_BYTES = 32

/** Puts objects, offsets (2 or 4 bytes each) and the trailer together; object 0 is the root. */
function joinPlist(objects: readonly Uint8Array[]): Uint8Array {
  const tableAt = objects.reduce((size, object) => size + object.length, MAGIC.length)
  const offsetBytes = tableAt < 0x10000 ? 2 : 4
  const plist = new Uint8Array(tableAt + objects.length * offsetBytes + TRAILER_BYTES)
  const view = viewOf(plist)
  plist.set(MAGIC)
  let at = MAGIC.length
  for (const [index, object] of objects.entries()) {
    plist.set(object, at)
    const slot = tableAt + index * offsetBytes
    if (offsetBytes === 2) view.setUint16(slot, at)
    else view.setUint32(slot, at)
    at += object.length
  }
  const trailer = plist.length - TRAILER_BYTES
  plist[trailer + 6] = offsetBytes
  plist[trailer + 7] = 1
  view.setUint32(trailer + 12, objects.length)
  view.setUint32(trailer + 28, tableAt)
  return plist
}
