import { type ScryptOptions, scrypt } from 'node:crypto'
import { fromUtf8, utf8 } from '../../base/bytes.ts'
import { randomBytes } from '../../base/random.ts'
import type { Secret } from '../../base/secret.ts'
import { damaged, unsupported } from '../errors.ts'
import { type MasterKey, Sealer } from './crypto.ts'
import { goTime } from './go-json.ts'
import { type Fields, fieldsOf, parseJson } from './json.ts'

/** scrypt's cost. The memory it takes is 128 * N * r bytes. */
export interface KdfCost {
  /** A power of two. */
  readonly N: number
  readonly r: number
  readonly p: number
}

/** About a third of a second on a common server, in 32 MiB. */
export const KDF_DEFAULT: KdfCost = { N: 32768, r: 8, p: 4 }

/** A key file, which anybody can read, may ask for no more than this. */
const KDF_MEMORY_BYTES_MAX = 1024 ** 3
const KDF_WORK_MAX = 2 ** 24
const SALT_BYTES = 64

/** What a new key file says about who made it. */
export interface KeyLabel {
  readonly createdMs: number
  readonly hostname: string
  readonly username: string
}

/** A key file: the master key sealed with what scrypt makes of the password. Source: docs/protocol/restic-repository.md#keys. */
export async function encodeKeyFile(
  master: MasterKey,
  { password, cost, label }: { password: Secret; cost: KdfCost; label: KeyLabel },
): Promise<Uint8Array> {
  const salt = randomBytes(SALT_BYTES)
  const sealer = new Sealer(await deriveKey(password, salt, cost))
  const plain = { mac: { k: base64(master.macK), r: base64(master.macR) }, encrypt: base64(master.encrypt) }
  const file = {
    created: goTime(label.createdMs),
    username: label.username,
    hostname: label.hostname,
    kdf: 'scrypt',
    ...cost,
    salt: base64(salt),
    data: base64(sealer.seal(utf8(JSON.stringify(plain)))),
  }
  return utf8(JSON.stringify(file))
}

/** The master key; undefined if this password is not the one of this file. Throws `repo.damaged` and `repo.unsupported`. */
export async function decodeKeyFile(
  file: Uint8Array,
  { password, what }: { password: Secret; what: string },
): Promise<MasterKey | undefined> {
  const fields = fieldsOf(parseJson(fromUtf8(file), what), what)
  if (fields.text('kdf') !== 'scrypt')
    throw unsupported(`${what} uses the key derivation ${JSON.stringify(fields.text('kdf'))}`)
  const salt = bytesField(fields, 'salt', SALT_BYTES, what)
  const sealer = new Sealer(await deriveKey(password, salt, parseCost(fields, what)))
  const plain = sealer.open(bytesField(fields, 'data', undefined, what))
  if (plain === undefined) return undefined
  const keys = fieldsOf(parseJson(fromUtf8(plain), what), what)
  const mac = keys.object('mac')
  return {
    encrypt: bytesField(keys, 'encrypt', 32, what),
    macK: bytesField(mac, 'k', 16, what),
    macR: bytesField(mac, 'r', 16, what),
  }
}

/** What a key file says about who made it; `created` is RFC 3339. Nothing proves it: whoever can write the file can write this. */
export interface StoredKeyLabel {
  readonly created: string
  readonly hostname: string
  readonly username: string
}

/** Reads the label without the password. Throws `repo.damaged`. */
export function decodeKeyLabel(file: Uint8Array, what: string): StoredKeyLabel {
  const fields = fieldsOf(parseJson(fromUtf8(file), what), what)
  const textOf = (name: string) => fields.optional(name, (from) => from.text(name)) ?? ''
  return { created: textOf('created'), hostname: textOf('hostname'), username: textOf('username') }
}

function parseCost(fields: Fields, what: string): KdfCost {
  const cost: KdfCost = { N: fields.count('N'), r: fields.count('r'), p: fields.count('p') }
  const sane = cost.N > 1 && Number.isInteger(Math.log2(cost.N)) && cost.r > 0 && cost.p > 0
  const affordable = 128 * cost.N * cost.r <= KDF_MEMORY_BYTES_MAX && cost.N * cost.r * cost.p <= KDF_WORK_MAX
  if (!sane || !affordable) throw damaged(what, `it asks for an impossible key derivation ${JSON.stringify(cost)}`)
  return cost
}

async function deriveKey(password: Secret, salt: Uint8Array, cost: KdfCost): Promise<MasterKey> {
  const options: ScryptOptions = { ...cost, maxmem: 128 * cost.N * (cost.r + 1) + 128 * cost.r * (cost.p + 2) }
  const derived = Promise.withResolvers<Uint8Array>()
  scrypt(password.reveal(), salt, 64, options, (error, key) => {
    if (error === null) derived.resolve(key)
    else derived.reject(error)
  })
  const bytes = await derived.promise
  return { encrypt: bytes.subarray(0, 32), macK: bytes.subarray(32, 48), macR: bytes.subarray(48, 64) }
}

function bytesField(fields: Fields, name: string, size: number | undefined, what: string): Uint8Array {
  const bytes = Buffer.from(fields.text(name), 'base64')
  if (size !== undefined && bytes.length !== size)
    throw damaged(what, `${name} has ${bytes.length} bytes instead of ${size}`)
  return bytes
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
