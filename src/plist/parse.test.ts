import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isAppError } from '../base/errors.ts'
import { dictOf, encodeBinaryPlist, encodeXmlPlist, type Plist, PlistReal, PlistUid, parsePlist } from './index.ts'

/** Any value that reads back as it was: whole numbers are bigint only where they must be, dictionaries have no prototype. */
function anyPlist({ dateStepMs }: { dateStepMs: number }): fc.Arbitrary<Plist> {
  const text = fc.string({ unit: 'binary', maxLength: 30 })
  const span = { min: Date.UTC(-9000, 0), max: Date.UTC(20_000, 0) }
  const { value } = fc.letrec<{ value: Plist }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      text,
      fc.boolean(),
      fc.maxSafeInteger(),
      fc.bigInt(-(2n ** 127n), 2n ** 127n - 1n).map((whole) => (isSafe(whole) ? Number(whole) : whole)),
      fc.double().map((number) => new PlistReal(number)),
      fc.integer(span).map((ms) => new Date(Math.floor(ms / dateStepMs) * dateStepMs)),
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(2 ** 32 - 1).map((uid) => new PlistUid(uid)),
      fc.array(tie('value')),
      fc.array(fc.tuple(fc.oneof(text, fc.constantFrom('__proto__', 'constructor', '1')), tie('value'))).map(dictFrom),
    ),
  }))
  return value
}

function isSafe(whole: bigint): boolean {
  return whole <= BigInt(Number.MAX_SAFE_INTEGER) && whole >= BigInt(Number.MIN_SAFE_INTEGER)
}

function dictFrom(entries: readonly (readonly [string, Plist])[]): Plist {
  const dict: Record<string, Plist> = Object.create(null)
  for (const [key, value] of entries) dict[key] = value
  return dict
}

test('any value reads back from its binary form as it was', () => {
  const roundTrip = (value: Plist) => assert.deepEqual(parsePlist(encodeBinaryPlist(value)), value)
  fc.assert(fc.property(anyPlist({ dateStepMs: 1 }), roundTrip), { numRuns: 500 })
})

test('any value reads back from its XML form as it was, but for fractions of seconds', () => {
  const roundTrip = (value: Plist) => assert.deepEqual(parsePlist(encodeXmlPlist(value)), value)
  fc.assert(fc.property(anyPlist({ dateStepMs: 1000 }), roundTrip), { numRuns: 500 })
})

/** Changes to a file as decay, a bad transfer or malice would make them; positions are parts of the file's length. */
type Damage =
  | { readonly kind: 'set'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'cut'; readonly at: number; readonly count: number }
  | { readonly kind: 'repeat'; readonly at: number; readonly count: number }

const part = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const nastyBytes = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 4 }),
  fc
    .constantFrom('ff', '00', '80', 'af', 'df', '5f13', 'ffffffff', '7fffffffffffffff')
    .map((hex) => Buffer.from(hex, 'hex')),
  fc.constantFrom('<dict>', '</array>', '<!--', '&', ']]>', '<key>').map((text) => Buffer.from(text)),
)
const anyDamage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant('set'), at: part, bytes: nastyBytes }),
  fc.record({ kind: fc.constant('insert'), at: part, bytes: nastyBytes }),
  fc.record({ kind: fc.constant('cut'), at: part, count: fc.nat(50) }),
  fc.record({ kind: fc.constant('repeat'), at: part, count: fc.nat(50) }),
)

function damaged(bytes: Uint8Array, damage: Damage): Uint8Array {
  const at = Math.floor(damage.at * bytes.length)
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (damage.kind) {
    case 'set':
      return Buffer.concat([before, damage.bytes, after.subarray(damage.bytes.length)])
    case 'insert':
      return Buffer.concat([before, damage.bytes, after])
    case 'cut':
      return Buffer.concat([before, after.subarray(damage.count)])
    case 'repeat':
      return Buffer.concat([before, after.subarray(0, damage.count), after])
  }
}

const SMALL_LIMITS = { inputBytesMax: 1e6, outputBytesMax: 2000, visitsMax: 300, depthMax: 8 }

/** How much a value holds, counted as the limits count it. */
function weigh(value: Plist): { values: number; bytes: number; depth: number } {
  if (typeof value === 'string') return { values: 1, bytes: value.length, depth: 0 }
  if (value instanceof Uint8Array) return { values: 1, bytes: value.length, depth: 0 }
  const dict = dictOf(value)
  const items = Array.isArray(value) ? value : dict && [...Object.keys(dict), ...Object.values(dict)]
  if (items === undefined) return { values: 1, bytes: 0, depth: 0 }
  const weights = items.map(weigh)
  return {
    values: weights.reduce((sum, weight) => sum + weight.values, 1),
    bytes: weights.reduce((sum, weight) => sum + weight.bytes, 0),
    depth: weights.reduce((depth, weight) => Math.max(depth, weight.depth), 0) + 1,
  }
}

function assertValueOrRefusal(bytes: Uint8Array): void {
  let value: Plist
  try {
    value = parsePlist(bytes, SMALL_LIMITS)
  } catch (error) {
    assert.ok(isAppError(error, 'plist.malformed') || isAppError(error, 'plist.too-big'), String(error))
    return
  }
  const { values, bytes: size, depth } = weigh(value)
  assert.ok(values <= SMALL_LIMITS.visitsMax && size <= SMALL_LIMITS.outputBytesMax && depth <= SMALL_LIMITS.depthMax)
  encodeBinaryPlist(value)
  encodeXmlPlist(value)
}

for (const [form, encode] of [
  ['binary', encodeBinaryPlist],
  ['XML', encodeXmlPlist],
] as const) {
  test(`a damaged ${form} list is a value within the limits, or refused`, () => {
    const anyDamagedList = fc
      .tuple(anyPlist({ dateStepMs: 1 }), fc.array(anyDamage, { minLength: 1, maxLength: 4 }))
      .map(([value, damages]) => damages.reduce(damaged, encode(value)))
    fc.assert(fc.property(anyDamagedList, assertValueOrRefusal), { numRuns: 3000 })
  })
}

test('any bytes behind a magic are a value within the limits, or refused', () => {
  const tail = fc.record({
    sizes: fc.uint8Array({ minLength: 2, maxLength: 2, max: 9 }),
    count: fc.nat(20),
    top: fc.nat(20),
    table: fc.nat(100),
  })
  const anyBinary = fc.tuple(fc.uint8Array({ maxLength: 100 }), tail).map(([body, { sizes, count, top, table }]) => {
    const trailer = Buffer.alloc(32)
    trailer.set(sizes, 6)
    trailer[15] = count
    trailer[23] = top
    trailer[31] = table
    return Buffer.concat([Buffer.from('bplist00'), body, trailer])
  })
  fc.assert(fc.property(anyBinary, assertValueOrRefusal), { numRuns: 5000 })
})
