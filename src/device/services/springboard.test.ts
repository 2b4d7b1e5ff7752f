import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { isAppError } from '../../base/errors.ts'
import type { Plist } from '../../plist/index.ts'
import { answering, framed, wire, wireOf } from '../testing/wire.ts'
import { readHomeScreen, readIcon } from './springboard.ts'

const signal = NEVER

function serviceThat(answer: Plist) {
  const { near, far } = wire()
  return { near, requests: answering(far, [answer]) }
}

test('an icon is a PNG file, and an app without one has none', async () => {
  const pngData = Uint8Array.of(0x89, 0x50, 0x4e, 0x47)
  assert.deepEqual(await readIcon(serviceThat({ pngData }).near, 'com.example.app', { signal }), pngData)
  const { near, requests } = serviceThat({ error: 'no such app' })
  assert.equal(await readIcon(near, 'com.example.app', { signal }), undefined)
  assert.deepEqual({ ...(await requests)[0] }, { command: 'getIconPNGData', bundleId: 'com.example.app' })
})

test('an icon of more than 4 MiB ends the connection', async () => {
  const tooBig = framed(new Uint8Array((4 << 20) + 1))
  await assert.rejects(readIcon(wireOf(tooBig), 'x', { signal }), (error) => isAppError(error, 'wire.bad-frame'))
})

/** The shape of docs/protocol/small-services.md#springboardservices: the dock, then the pages; folders have lists of their own. */
test('the home screen is a dock and pages, with folders and what is no app', async () => {
  const app = (id: string) => ({ bundleIdentifier: id, displayName: id.toUpperCase() })
  const folder = { listType: 'folder', displayName: 'Games', iconLists: [[app('c')], 'nonsense'] }
  const { near } = serviceThat([[app('a')], [{ displayIdentifier: 'b' }, folder, { elementType: 'widget' }, 7]])
  assert.deepEqual(await readHomeScreen(near, { signal }), {
    dock: [{ kind: 'app', bundleId: 'a', name: 'A' }],
    pages: [
      [
        { kind: 'app', bundleId: 'b', name: undefined },
        { kind: 'folder', name: 'Games', pages: [[{ kind: 'app', bundleId: 'c', name: 'C' }], []] },
        { kind: 'other' },
        { kind: 'other' },
      ],
    ],
  })
})

test('folders within folders end somewhere', async () => {
  let item: Plist = { bundleIdentifier: 'deep' }
  for (let depth = 0; depth < 20; depth++) item = { listType: 'folder', iconLists: [[item]] }
  const screen = await readHomeScreen(serviceThat([[], [item]]).near, { signal })
  assert.ok(!JSON.stringify(screen).includes('deep'))
})

test('a phone that does not tell its home screen has none', async () => {
  assert.equal(await readHomeScreen(serviceThat({ error: 'UnknownCommand' }).near, { signal }), undefined)
})
