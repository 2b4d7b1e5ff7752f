import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { applies } from './applies.ts'
import { CLOUD_CAUSES, OWN_CAUSES } from './causes.ts'
import { CHECKS } from './checks.ts'
import { CURES, ESCALATION, LOSSY } from './cures.ts'
import { meaningOf } from './error-codes.ts'
import { EVIDENCE } from './evidence.ts'
import { BEYOND, NINE, OWN } from './finding.ts'
import { compareVersions, isBetaBuild } from './ios-version.ts'
import { ACTIONS, WALKS } from './remedies.ts'
import { madeFacts, WELL } from './testing/made-facts.ts'

const door = new URL('../engine.ts', import.meta.url)
const read = (file: URL) => readFileSync(file, 'utf8')

/** All files that the door leads to. */
function reachable(): ReadonlySet<string> {
  const found = new Set<string>()
  const visit = (file: URL) => {
    if (found.has(file.href)) return
    found.add(file.href)
    for (const target of importsOf(file)) visit(new URL(target, file))
  }
  visit(door)
  return found
}

function importsOf(file: URL): readonly string[] {
  return [...read(file).matchAll(/\bfrom\s+'([^']+)'|\bimport\s*\(?\s*'([^']+)'/g)].map(
    (match) => match[1] ?? match[2] ?? '',
  )
}

test('the engine imports nothing but its own files, so it runs in a browser', () => {
  const folder = new URL('./', import.meta.url).href
  const files = reachable()
  assert.ok(files.size > 40)
  for (const file of files) {
    assert.ok(file === door.href || file.startsWith(folder), `${file} is not of the engine`)
    for (const target of importsOf(new URL(file))) assert.match(target, /^\.\.?\//, `${file} imports ${target}`)
  }
})

test('the engine uses no global of Node', () => {
  const nodes = /\b(?:process\.|Buffer\b|require\(|__dirname|NodeJS\.|setImmediate|global\.)/
  for (const file of reachable()) assert.doesNotMatch(read(new URL(file)), nodes, file)
})

test('every check is in the report, in its order', () => {
  assert.deepEqual(Object.keys(CHECKS), [...NINE, ...BEYOND, ...OWN.map((name) => `own-${name}`)])
})

test('every cause is found by a check, or is what is left', () => {
  const checks = [...reachable()]
    .filter((file) => /\/(?:checks\/|own-obstacles)/.test(file))
    .map((file) => read(new URL(file)))
  const left = ESCALATION.map(({ cause }) => cause)
  for (const cause of [...CLOUD_CAUSES, ...OWN_CAUSES]) {
    assert.ok(left.includes(cause) || checks.some((text) => text.includes(`'${cause}'`)), cause)
  }
})

test('every remedy is against something, and every cause has one for any phone', () => {
  const used = new Set([...Object.values(CURES).flat(), ...ESCALATION.map(({ remedy }) => remedy)])
  for (const remedy of [...ACTIONS, ...WALKS]) assert.ok(used.has(remedy) || remedy === 'wait-a-night', remedy)
  for (const [cause, remedies] of Object.entries(CURES)) {
    assert.ok(
      remedies.some(
        (remedy) => applies(remedy, madeFacts({})) || applies(remedy, madeFacts({ ...WELL, ownLastMs: 'absent' })),
      ),
      cause,
    )
  }
})

test('what loses nothing comes before what may', () => {
  for (const [cause, remedies] of Object.entries(CURES)) {
    const firstLossy = remedies.findIndex((remedy) => LOSSY.has(remedy))
    const harmless = ['leave-beta', 'upgrade-plan', 'temporary-storage', 'back-up-here', 'back-up-on-a-computer']
    for (const later of firstLossy < 0 ? [] : remedies.slice(firstLossy)) {
      assert.ok(LOSSY.has(later) || harmless.includes(later), `${cause}: ${later}`)
    }
  }
})

test('no evidence is on the list that nobody gives', () => {
  const texts = [...reachable()].filter((file) => !file.endsWith('/evidence.ts')).map((file) => read(new URL(file)))
  for (const key of Object.keys(EVIDENCE))
    assert.ok(
      texts.some((text) => text.includes(`'${key}'`)),
      key,
    )
})

test('errors point where the phone itself takes them to', () => {
  const pointed = (domain: string, ...codes: readonly number[]) =>
    codes.map((code) => meaningOf({ domain, code })?.pointer)
  assert.deepEqual(pointed('CKErrorDomain', 3, 4, 6, 36, 9, 25, 7, 23, 20), [
    'no-network',
    'network',
    'service',
    'service',
    'account',
    'storage',
    'wait',
    'wait',
    'conditions',
  ])
  assert.deepEqual(pointed('NSURLErrorDomain', -1001, -1003, -1200, -999, -1009, 5), [
    'network',
    'network',
    'network',
    'conditions',
    'no-network',
    undefined,
  ])
  assert.deepEqual(pointed('MBErrorDomain', 308, 300, 304, 305, 303, 22, 999), [
    'no-network',
    'network',
    'service',
    'account',
    'storage',
    'policy',
    undefined,
  ])
  assert.equal(meaningOf({ domain: 'toString', code: 1 }), undefined)
})

test('the phone tries again by itself after some errors, and not after others', () => {
  const isTransient = (code: number) => meaningOf({ domain: 'MBErrorDomain', code })?.transient
  assert.deepEqual([17, 202, 300, 304, 308, 22, 209, 303].map(isTransient), [
    true,
    true,
    true,
    true,
    true,
    false,
    false,
    false,
  ])
})

test('versions are compared by number', () => {
  assert.equal(compareVersions('26.10', '26.9.9'), 1)
  assert.equal(compareVersions('18.7', '18.7.0'), 0)
  assert.equal(compareVersions('9.3.5', '26'), -1)
  assert.equal(compareVersions('', '26'), undefined)
  assert.deepEqual(['24A5380h', '24B91', '20C65'].map(isBetaBuild), [true, false, false])
})
