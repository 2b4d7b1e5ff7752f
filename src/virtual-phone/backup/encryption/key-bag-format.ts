import { concatBytes, utf8, viewOf } from '../../../base/bytes.ts'
import { BackupError, MB } from '../backup-error.ts'

/** What a key bag holds. Keys are wrapped; salts are 20 bytes, UUIDs 16. */
export interface KeyBagFields {
  readonly uuid: Uint8Array
  /** A wrapped key whose use is not known; zeros in the bag of an unencrypted backup. */
  readonly hmacKey: Uint8Array
  readonly rounds: PasswordRounds
  /** In their order in the bag. */
  readonly classes: readonly ClassFields[]
}

/** How a password becomes the key that the class keys are wrapped with: PBKDF2 once, or twice. */
export interface PasswordRounds {
  readonly salt: Uint8Array
  readonly iterations: number
  /** Since iOS 10.2, in encrypted backups: done before the other, with SHA-256 in place of SHA-1. */
  readonly first: { readonly salt: Uint8Array; readonly iterations: number } | undefined
}

export interface ClassFields {
  readonly uuid: Uint8Array
  /** 1 to 11. */
  readonly protectionClass: number
  /** 2: the password opens it; 3: the phone's own key is needed, too. */
  readonly wrap: number
  /** 40 bytes. */
  readonly wrappedKey: Uint8Array
}

/** Source: docs/protocol/mobilebackup2.md#key-bag */
export function encodeKeyBag({ uuid, hmacKey, rounds, classes }: KeyBagFields): Uint8Array {
  return concatBytes([
    tlv('VERS', u32(5)),
    tlv('TYPE', u32(TYPE_BACKUP)),
    tlv('UUID', uuid),
    tlv('HMCK', hmacKey),
    tlv('WRAP', u32(0)),
    tlv('SALT', rounds.salt),
    tlv('ITER', u32(rounds.iterations)),
    ...(rounds.first === undefined ? [] : encodeFirstRounds(rounds.first)),
    ...classes.flatMap(encodeClass),
  ])
}

const TYPE_BACKUP = 1

function encodeFirstRounds({ salt, iterations }: NonNullable<PasswordRounds['first']>): Uint8Array[] {
  return [tlv('DPWT', u32(1)), tlv('DPIC', u32(iterations)), tlv('DPSL', salt)]
}

function encodeClass({ uuid, protectionClass, wrap, wrappedKey }: ClassFields): Uint8Array[] {
  return [
    tlv('UUID', uuid),
    tlv('CLAS', u32(protectionClass)),
    tlv('WRAP', u32(wrap)),
    tlv('KTYP', u32(0)),
    tlv('WPKY', wrappedKey),
  ]
}

function tlv(tag: string, value: Uint8Array): Uint8Array {
  return concatBytes([utf8(tag), u32(value.length), value])
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  viewOf(bytes).setUint32(0, value)
  return bytes
}

/** A phone's has 1,388 bytes. */
const KEY_BAG_BYTES_MAX = 65_536
/** A phone's has 10,000,000; many more would keep this one busy for minutes. */
const ITERATIONS_MAX = 50_000_000

/** Throws `BackupError` 11 for bytes that are no key bag, or one that would take minutes to open. */
export function decodeKeyBag(bytes: Uint8Array): KeyBagFields {
  if (bytes.length > KEY_BAG_BYTES_MAX) throw malformed(`${bytes.length} bytes are too many`)
  const [header, ...classes] = sectionsOf(bytes)
  if (header === undefined) throw malformed('it is empty')
  return {
    uuid: field(header, 'UUID'),
    hmacKey: header.get('HMCK') ?? new Uint8Array(0),
    rounds: decodeRounds(header),
    classes: classes.map(decodeClass),
  }
}

type Section = ReadonlyMap<string, Uint8Array>

/** The header, then the classes: every UUID but the first begins one. */
function sectionsOf(bytes: Uint8Array): Section[] {
  const sections: Map<string, Uint8Array>[] = [new Map()]
  const view = viewOf(bytes)
  for (let at = 0; at < bytes.length; ) {
    if (at + 8 > bytes.length) throw malformed('it breaks off')
    const tag = Buffer.from(bytes.subarray(at, at + 4)).toString('latin1')
    const end = at + 8 + view.getUint32(at + 4)
    if (end > bytes.length) throw malformed(`${tag} breaks off`)
    if (tag === 'UUID' && sections.at(-1)?.has('UUID')) sections.push(new Map())
    sections.at(-1)?.set(tag, bytes.subarray(at + 8, end))
    at = end
  }
  return sections
}

function decodeRounds(header: Section): PasswordRounds {
  const first = header.has('DPSL')
    ? { salt: field(header, 'DPSL'), iterations: iterationsOf(header, 'DPIC') }
    : undefined
  return { salt: field(header, 'SALT'), iterations: iterationsOf(header, 'ITER'), first }
}

function decodeClass(section: Section): ClassFields {
  return {
    uuid: field(section, 'UUID'),
    protectionClass: number(section, 'CLAS'),
    wrap: number(section, 'WRAP'),
    wrappedKey: field(section, 'WPKY'),
  }
}

function iterationsOf(section: Section, tag: string): number {
  const iterations = number(section, tag)
  if (iterations < 1 || iterations > ITERATIONS_MAX) throw malformed(`${tag} is ${iterations}`)
  return iterations
}

function number(section: Section, tag: string): number {
  const value = field(section, tag)
  if (value.length !== 4) throw malformed(`${tag} has ${value.length} bytes`)
  return viewOf(value).getUint32(0)
}

function field(section: Section, tag: string): Uint8Array {
  const value = section.get(tag)
  if (value === undefined) throw malformed(`${tag} is missing`)
  return value
}

function malformed(why: string): BackupError {
  return new BackupError(MB.unparsable, `Invalid key bag: ${why}`)
}
