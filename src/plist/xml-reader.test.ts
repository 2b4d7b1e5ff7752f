import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../base/bytes.ts'
import { isAppError } from '../base/errors.ts'
import { type Plist, type PlistLimits, PlistReal, PlistUid, parsePlist } from './index.ts'

const read = (body: string, limits?: Partial<PlistLimits>) =>
  parsePlist(utf8(`<plist version="1.0">${body}</plist>`), limits)

const dictOf = (entries: Record<string, Plist>) => Object.assign(Object.create(null), entries)

function refuses(text: string | Uint8Array, code: string, saw: RegExp, limits?: Partial<PlistLimits>): void {
  const bytes = typeof text === 'string' ? utf8(text) : text
  assert.throws(
    () => parsePlist(bytes, limits),
    (error) => isAppError(error, code) && saw.test(error.message),
  )
}

// The elements: Apple's PropertyList-1.0.dtd; what it leaves open: docs/protocol/property-lists.md#xml.
const VALUES: readonly (readonly [claim: string, body: string, value: Plist])[] = [
  ['true and false, empty or closed', '<array><true/><false></false></array>', [true, false]],
  ['an integer', '<integer>42</integer>', 42],
  ['a negative integer with white space', '<integer> -13\n</integer>', -13],
  ['an integer with a plus', '<integer>+7</integer>', 7],
  ['a hexadecimal integer', '<integer>0xFf</integer>', 255],
  ['an integer up to 2^53 - 1 is a number', '<integer>9007199254740991</integer>', 2 ** 53 - 1],
  ['an integer from 2^53 on is a bigint', '<integer>9007199254740992</integer>', 2n ** 53n],
  ['an integer beyond 2^63', '<integer>18446744073709551603</integer>', 2n ** 64n - 13n],
  ['a real', '<real>2.1</real>', new PlistReal(2.1)],
  ['a whole real stays a real', '<real>2</real>', new PlistReal(2)],
  ['a real with an exponent', '<real>-1.5e-3</real>', new PlistReal(-0.0015)],
  ['a real that is not a number', '<real>nan</real>', new PlistReal(Number.NaN)],
  [
    'infinite reals',
    '<array><real>inf</real><real>-infinity</real></array>',
    [new PlistReal(Infinity), new PlistReal(-Infinity)],
  ],
  ['a date', '<date>2024-02-03T04:05:06Z</date>', new Date('2024-02-03T04:05:06Z')],
  ['a date centuries ahead', '<date>12024-02-03T04:05:06Z</date>', new Date('+012024-02-03T04:05:06Z')],
  ['a date before the year 100', '<date>0001-01-01T00:00:00Z</date>', new Date('0001-01-01T00:00:00Z')],
  ['a date before our era', '<date>-0044-03-15T12:00:00Z</date>', new Date('-000044-03-15T12:00:00Z')],
  ['data with white space anywhere', '<data>\n\tAQ I\n\tDBA==\n\t</data>', Uint8Array.of(1, 2, 3, 4)],
  ['empty data', '<data/>', new Uint8Array(0)],
  ['a text keeps its white space', '<string> a\n\tb </string>', ' a\n\tb '],
  ['an empty text', '<array><string/><string></string></array>', ['', '']],
  ['the five entities', '<string>&lt;&gt;&amp;&quot;&apos;</string>', '<>&"\''],
  ['character references', '<string>&#65;&#x1F600;&#13;&#0;</string>', 'A😀\r\0'],
  ['CDATA, in which nothing is replaced', '<string>a<![CDATA[<b>&amp;]]>c</string>', 'a<b>&amp;c'],
  ['comments within a text', '<string>a<!-- <b> -->c</string>', 'ac'],
  ['control characters as they are', '<string>\u0000\u0001\u001f\r\n</string>', '\u0000\u0001\u001f\r\n'],
  ['an array', '<array> <true/> <!-- x --> <integer>1</integer> </array>', [true, 1]],
  ['empty containers', '<array><array/><dict/><array></array></array>', [[], dictOf({}), []]],
  ['a dictionary', '<dict><key>a&amp;b</key><true/></dict>', dictOf({ 'a&b': true })],
  [
    'of a key that occurs twice the last value stays',
    '<dict><key>a</key><true/><key>a</key><false/></dict>',
    dictOf({ a: false }),
  ],
  ['a reference into an archive', '<dict><key>CF$UID</key><integer>7</integer></dict>', new PlistUid(7)],
  [
    'a dictionary that only looks like one',
    '<dict><key>CF$UID</key><integer>-7</integer></dict>',
    dictOf({ CF$UID: -7 }),
  ],
]

for (const [claim, body, value] of VALUES) {
  test(`XML: ${claim}`, () => assert.deepEqual(read(body), value))
}

test('XML: __proto__ is a key like any other', () => {
  const value = read('<dict><key>__proto__</key><dict/></dict>')
  assert.equal(Object.getPrototypeOf(value), null)
  assert.deepEqual(Object.keys(value), ['__proto__'])
})

test('XML: byte order mark, declaration, document type and comments may come first, white space and zero bytes last', () => {
  const text = `\ufeff\n<?xml version="1.0" encoding="UTF-8"?>
    <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
    <!-- hello --><plist version="1.0" ><true/></plist><!-- bye -->\n\0`
  assert.equal(parsePlist(utf8(text)), true)
})

const DAMAGED: readonly (readonly [claim: string, text: string | Uint8Array, saw: RegExp])[] = [
  ['nothing', '', /0 bytes that start with nothing/],
  ['what is neither XML nor binary', '{"json": true}', /14 bytes that start with 7b226a73/],
  ['another binary version', 'bplist15????????????????????????????????', /start with 62706c6973743135/],
  ['only a byte order mark', '\ufeff', /Not a property list/],
  ['HTML', '<html></html>', /Did not expect "<html>"/],
  ['a list without a value', '<plist></plist>', /Did not expect "<\/plist>"/],
  ['a list of two values', '<plist><true/><true/></plist>', /Did not expect "<true\/>"/],
  ['a list that is not closed', '<plist><true/>', /no tag at byte 14/],
  ['what follows the end', '<plist><true/></plist>x', /follows <\/plist> at byte 22/],
  ['text between the tags', '<plist><array>x</array></plist>', /no tag at byte 14/],
  ['an unknown element', '<plist><object/></plist>', /Did not expect "<object\/>"/],
  ['an element whose name only begins like another', '<plist><true2/></plist>', /Did not expect "<\/>"/],
  ['an element in a text', '<plist><string><b/></string></plist>', /Did not expect "<b\/>"/],
  ['a wrong closing tag', '<plist><array></dict></plist>', /Did not expect "<\/dict>"/],
  ['a dictionary that begins with a value', '<plist><dict><true/></dict></plist>', /Did not expect "<true\/>"/],
  ['a key without a value', '<plist><dict><key>a</key></dict></plist>', /Did not expect "<\/dict>"/],
  ['a closing key', '<plist><dict></key><true/></dict></plist>', /Did not expect "<\/key>"/],
  ['a tag without an end', '<plist><array', /before the ">"/],
  ['a text without an end', '<plist><string>abc', /before the "<"/],
  ['a comment without an end', '<!-- <plist><true/></plist>', /before the "-->"/],
  ['CDATA without an end', '<plist><string><![CDATA[abc</string></plist>', /before the "\]\]>"/],
  ['an unknown entity', '<plist><string>&nbsp;</string></plist>', /no known entity/],
  ['a lone ampersand', '<plist><string>a & b</string></plist>', /no known entity/],
  ['a character beyond Unicode', '<plist><string>&#x110000;</string></plist>', /no known entity/],
  ['a document type with declarations', '<!DOCTYPE plist [<!ENTITY a "b">]><plist><true/></plist>', /declares things/],
  ['an integer without digits', '<plist><integer></integer></plist>', /"" at byte 7 is no integer/],
  ['an integer with a fraction', '<plist><integer>1.5</integer></plist>', /"1\.5" at byte 7 is no integer/],
  ['an integer beyond 128 bits', `<plist><integer>${2n ** 127n}</integer></plist>`, /is no integer/],
  ['an integer of a million digits', `<plist><integer>${'9'.repeat(1e6)}</integer></plist>`, /is no integer/],
  ['a real that is none', '<plist><real>1,5</real></plist>', /is no real/],
  ['a date that is none', '<plist><date>2024-13-03T04:05:06Z</date></plist>', /is no date/],
  ['a date without a zone', '<plist><date>2024-02-03T04:05:06</date></plist>', /is no date/],
  ['a date beyond what can be shown', '<plist><date>300000-01-01T00:00:00Z</date></plist>', /is no date/],
  ['data that is not base64', '<plist><data>A_==</data></plist>', /not base64/],
  ['a truth with content', '<plist><true>no</true></plist>', /is not empty/],
  ['bytes that are not UTF-8', Buffer.from('<plist><string>\xe9</string></plist>', 'latin1'), /not in UTF-8/],
]

for (const [claim, text, saw] of DAMAGED) {
  test(`XML: ${claim} is refused`, () => refuses(text, 'plist.malformed', saw))
}

test('XML: entities of entities are not expanded', () => {
  const declarations = '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
  refuses(`<!DOCTYPE plist [${declarations}]><plist><string>&b;</string></plist>`, 'plist.malformed', /declares things/)
  refuses('<plist><string>&b;</string></plist>', 'plist.malformed', /no known entity/)
})

test('XML: nesting is allowed up to the limit and refused beyond, however deep it goes', () => {
  const nested = (levels: number) => `${'<array>'.repeat(levels)}${'</array>'.repeat(levels)}`
  assert.ok(Array.isArray(read(nested(64))))
  for (const levels of [65, 100_000]) {
    refuses(`<plist>${nested(levels)}</plist>`, 'plist.too-big', /deeper than 64 levels/)
  }
})

test('XML: keys and values are counted, text and data are weighed', () => {
  const body = '<dict><key>abc</key><string>defg</string></dict>'
  assert.deepEqual(read(body, { visitsMax: 3, outputBytesMax: 7 }), dictOf({ abc: 'defg' }))
  refuses(`<plist>${body}</plist>`, 'plist.too-big', /more values/, { visitsMax: 2 })
  refuses(`<plist>${body}</plist>`, 'plist.too-big', /bytes of text/, { outputBytesMax: 6 })
  for (const piece of ['&amp;', '<![CDATA[]]>']) {
    refuses(`<plist><string>${piece.repeat(10)}</string></plist>`, 'plist.too-big', /more values/, { visitsMax: 10 })
  }
})

test('XML: markup that repeats without an end is refused in one pass', () => {
  for (const piece of ['<', '<!--', '<plist ', '<![CDATA[', '&', ' ']) {
    refuses(`<plist><string>${piece.repeat(200_000)}`, 'plist.malformed', /./)
    refuses(`<plist>${piece.repeat(200_000)}`, 'plist.malformed', /./)
  }
})

test('input beyond the limit is refused before it is looked at', () => {
  refuses('?'.repeat(101), 'plist.too-big', /101 bytes; 100 are allowed/, { inputBytesMax: 100 })
})
