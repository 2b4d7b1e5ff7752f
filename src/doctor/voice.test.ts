import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

/** What the page can have, too. */
const LIBRARIES = ['intl-messageformat']

const imports = (file: string) =>
  [
    ...readFileSync(new URL(file, import.meta.url), 'utf8').matchAll(/^(?:import|export)\s[^'"]*?from\s+'([^']+)'/gm),
  ].map(([, target = '']) => target)

/** Every file that is loaded with the voice. */
function reached(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  const targets = file.endsWith('.ts') ? imports(file) : []
  for (const target of targets.filter((one) => one.startsWith('.')))
    reached(new URL(target, new URL(file, import.meta.url)).href, seen)
  return seen
}

test('the voice and all that it stands on run in a browser', () => {
  const files = [...reached(new URL('voice.ts', import.meta.url).href)].filter((file) => file.endsWith('.ts'))
  assert.ok(files.length > 20)
  for (const file of files) {
    const foreign = imports(file).filter((target) => !target.startsWith('.') && !LIBRARIES.includes(target))
    assert.deepEqual(foreign, [], file)
    assert.doesNotMatch(readFileSync(new URL(file), 'utf8'), /\b(Buffer|process)\./, file)
  }
})
