import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromUtf8 } from '../base/bytes.ts'
import { isAppError } from '../base/errors.ts'
import { encodeXmlPlist, type Plist, PlistReal, PlistUid, parsePlist } from './index.ts'

/** What stands between `<plist>` and `</plist>`. */
function bodyOf(value: Plist): string {
  return (
    /<plist version="1.0">\n([\s\S]*)\n<\/plist>\n$/.exec(fromUtf8(encodeXmlPlist(value)))?.[1] ??
    assert.fail('No plist')
  )
}

// The layout: docs/protocol/property-lists.md#xml.
test('a whole list looks as Apple writes it', () => {
  const value = { Name: 'iPad', Sizes: [1, new PlistReal(2.5)], Empty: {}, None: [], Icon: new Uint8Array(60) }
  assert.equal(
    fromUtf8(encodeXmlPlist(value)),
    `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>Name</key>
	<string>iPad</string>
	<key>Sizes</key>
	<array>
		<integer>1</integer>
		<real>2.5</real>
	</array>
	<key>Empty</key>
	<dict/>
	<key>None</key>
	<array/>
	<key>Icon</key>
	<data>
	${'A'.repeat(68)}
	${'A'.repeat(12)}
	</data>
</dict>
</plist>
`,
  )
})

const VALUES: readonly (readonly [claim: string, value: Plist, body: string])[] = [
  ['truths', [true, false], '<array>\n\t<true/>\n\t<false/>\n</array>'],
  ['an integer of any size', -(2n ** 64n), '<integer>-18446744073709551616</integer>'],
  ['a whole real', new PlistReal(2), '<real>2</real>'],
  ['a number with a fraction is a real', 2.1, '<real>2.1</real>'],
  ['a real that is not a number', new PlistReal(Number.NaN), '<real>nan</real>'],
  ['an infinite real', new PlistReal(-Infinity), '<real>-infinity</real>'],
  ['a date loses its fractions', new Date('2024-02-03T04:05:06.789Z'), '<date>2024-02-03T04:05:06Z</date>'],
  ['a date centuries ahead has no sign', new Date('+012024-01-01T00:00:00Z'), '<date>12024-01-01T00:00:00Z</date>'],
  ['a date before our era', new Date('-000044-03-15T12:00:00Z'), '<date>-0044-03-15T12:00:00Z</date>'],
  ['empty data', new Uint8Array(0), '<data>\n</data>'],
  ['marks in a text', '<a> & "b"', '<string>&lt;a&gt; &amp; "b"</string>'],
  ['marks in a key', { '<': true }, '<dict>\n\t<key>&lt;</key>\n\t<true/>\n</dict>'],
  ['control characters are references, tabs and new lines are not', 'a\0\r\n\t', '<string>a&#0;&#13;\n\t</string>'],
  ['a reference into an archive', new PlistUid(7), '<dict>\n\t<key>CF$UID</key>\n\t<integer>7</integer>\n</dict>'],
]

for (const [claim, value, body] of VALUES) {
  test(`XML: ${claim}`, () => assert.equal(bodyOf(value), body))
}

test('XML: 512 levels are written and read, one more is refused', () => {
  const nested = (levels: number): Plist => Array.from({ length: levels }).reduce<Plist>((inner) => [inner], 'core')
  assert.deepEqual(parsePlist(encodeXmlPlist(nested(512)), { depthMax: 512 }), nested(512))
  assert.throws(
    () => encodeXmlPlist(nested(513)),
    (error) => isAppError(error, 'plist.too-big'),
  )
})

test('XML: whole numbers beyond 128 bits are refused', () => {
  assert.throws(
    () => encodeXmlPlist(2n ** 127n),
    (error) => isAppError(error, 'plist.too-big'),
  )
})
