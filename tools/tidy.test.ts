import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { VERSION } from '../src/base/version.ts'
import { OUTCOMES } from '../src/cli/outcomes.ts'

/** The rooms, from the one that everything stands on to the one that nothing may know of. */
const ROOMS: readonly string[] = [
  'base',
  'plist',
  'device',
  'backup-set',
  'virtual-phone',
  'repository',
  'run',
  'doctor',
  'cli',
]

/** Rooms that are written without looking at each other, so that two mistakes cannot cancel out. */
const STRANGERS: readonly (readonly [string, string])[] = [['virtual-phone', 'device']]

/** Rooms that are useful alone, and are entered by `index.ts` only. */
const DOORS = ['plist', 'device', 'backup-set', 'virtual-phone', 'repository', 'run', 'doctor']

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const filesOf = (pattern: string) => globSync(pattern, { cwd: root }).sort()
const sources = filesOf('src/**/*.ts')
const production = sources.filter((file) => !/\.test\.ts$|\/testing\//.test(file))
const roomOf = (file: string) => file.split('/')[1] ?? ''

interface Import {
  readonly file: string
  readonly target: string
}

const imports: readonly Import[] = sources.flatMap((file) =>
  [...read(file).matchAll(/^\s*(?:import|export)\s[^'"]*?from\s+'(\.[^']+)'|^import\s+'(\.[^']+)'/gm)].map((match) => ({
    file,
    target: relative(root, join(root, dirname(file), match[1] ?? match[2] ?? '')),
  })),
)

test('there is something to look at', () => {
  assert.ok(sources.length > 20 && imports.length > 20)
})

test('every room is on the list', () => {
  for (const file of sources) assert.ok(ROOMS.includes(roomOf(file)), `${file} is in no known room`)
})

test('imports point up the list of rooms, never down', () => {
  const rank = (file: string) => ROOMS.indexOf(roomOf(file))
  for (const { file, target } of imports) assert.ok(rank(target) <= rank(file), `${file} imports ${target}`)
})

test('the virtual phone and the client do not know each other', () => {
  for (const { file, target } of imports) {
    for (const [one, other] of STRANGERS) {
      const rooms = [roomOf(file), roomOf(target)]
      assert.ok(!(rooms.includes(one) && rooms.includes(other)), `${file} imports ${target}`)
    }
  }
})

test('rooms are entered by their door', () => {
  for (const { file, target } of imports) {
    const room = roomOf(target)
    if (room === roomOf(file) || !DOORS.includes(room)) continue
    assert.equal(target, `src/${room}/index.ts`, `${file} does not use the door`)
  }
})

const CONFINED: readonly { what: RegExp; only: (file: string) => boolean }[] = [
  {
    what: /Date\.now\(|new Date\(\)|performance\.now\(|\bset(Timeout|Interval)\b/,
    only: (file) => file === 'src/base/clock.ts',
  },
  {
    what: /Math\.random\(|randomBytes\b.*node:crypto|randomUUID\(|getRandomValues\(/,
    only: (file) => file === 'src/base/random.ts',
  },
  { what: /process\.env\b/, only: (file) => file === 'src/cli/environment.ts' },
  { what: /process\.(stdout|stderr|exit|exitCode)\b|console\./, only: (file) => file.startsWith('src/cli/') },
]

test('clock, randomness, environment and output have one place each', () => {
  for (const file of production) {
    for (const { what, only } of CONFINED) {
      if (!only(file)) assert.equal(read(file).match(what)?.[0], undefined, file)
    }
  }
})

test('every error code has its paragraph in docs/errors.md, and every paragraph a code', () => {
  const explained = [...read('docs/errors.md').matchAll(/^### `([^`]+)`\n\n\S/gm)].map((match) => match[1])
  assert.deepEqual(explained.toSorted(), Object.keys(OUTCOMES).toSorted())
})

test('every file that a text or a comment refers to exists', () => {
  const texts = [...filesOf('docs/**/*.md'), 'README.md', 'CHANGELOG.md', ...sources]
  for (const file of texts) {
    for (const match of read(file).matchAll(/\b((?:docs|src|test|tools)\/[\w./-]+\.(?:md|ts))\b/g)) {
      const named = match[1] ?? ''
      assert.ok(existsSync(join(root, named)), `${file} refers to ${named}`)
    }
  }
})

test('every heading that a text or a comment refers to exists', () => {
  for (const file of [...filesOf('docs/**/*.md'), 'README.md', ...sources]) {
    for (const [, page = '', anchor = ''] of read(file).matchAll(/\b(docs\/[\w./-]+\.md)#([\w-]*\w)/g)) {
      assert.ok(anchorsOf(page).includes(anchor), `${file} refers to ${page}#${anchor}`)
    }
  }
})

/** As Markdown readers make them of headings. */
function anchorsOf(page: string): readonly string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
}

test('no text of the repository names this machine or a registry', () => {
  const telling = new RegExp(['/wo' + 'rk/', 'registry\\.' + 'npmjs', 'deb\\.' + 'debian'].join('|'))
  for (const file of [...filesOf('docs/**/*.md'), ...filesOf('*.{md,json}'), ...filesOf('.ci/*'), ...sources]) {
    assert.doesNotMatch(read(file), telling, file)
  }
})

test('the program says the version that it is published as', () => {
  assert.equal(JSON.parse(read('package.json')).version, VERSION)
})
