import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { COMMANDS } from './control/commands.ts'
import { parseFaultScript } from './faults/index.ts'
import { FAULT_KINDS } from './faults/script.ts'
import { PERSONALITIES, TRAITS } from './personality/index.ts'

const page = readFileSync(new URL('../../docs/virtual-phone.md', import.meta.url), 'utf8')

test('docs/virtual-phone.md has a row for every personality', () => {
  for (const { name, model, ios, shows } of PERSONALITIES) {
    assert.ok(page.includes(`| \`${name}\` | ${model} | ${ios} | ${shows} |\n`), name)
  }
})

test('docs/virtual-phone.md has a row for every difference between versions', () => {
  for (const { trait, since, alsoSince = [], evidence } of TRAITS) {
    const versions = [...alsoSince, since].join(', ')
    assert.ok(
      page.split('\n').some((row) => row.startsWith(`| ${versions} | `) && row.endsWith(` | ${evidence} |`)),
      trait,
    )
  }
})

test('docs/virtual-phone.md tells of every fault and every command', () => {
  for (const kind of FAULT_KINDS) assert.ok(page.includes(`| \`${kind}\` |`), kind)
  for (const command of COMMANDS.keys()) assert.match(page, new RegExp(`\`(POST )?/${command}\``), command)
})

test('the fault script in docs/virtual-phone.md is one', () => {
  const scripts = [...page.matchAll(/```json\n([^`]*"faults"[^`]*)```/g)].map((match) => match[1] ?? '')
  assert.equal(scripts.length, 1)
  for (const script of scripts) assert.equal(parseFaultScript(script).length, 5)
})
