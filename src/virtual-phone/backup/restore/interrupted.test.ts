import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newPhone, UDID } from '../../testing/phone-for-tests.ts'
import { backedUp, copyOf, digestsOf, newEmptyPhone, restoreTo } from '../../testing/restoring.ts'
import { hold, type ScriptedHost } from '../../testing/scripted-host.ts'

const phone = newPhone({ files: 60, bytes: 300_000 })
after(() => phone.contents[Symbol.asyncDispose]())
const first = await digestsOf(phone.contents)
const backup = await backedUp(phone)
phone.contents.change({ seed: 2, add: 3, rewrite: 4, remove: 2 })
const second = await digestsOf(phone.contents)

/** The second backup ends when the phone has sent that many of these messages. */
async function interrupted(from: ScriptedHost, message: string, count: number): Promise<ScriptedHost> {
  const host = copyOf(from)
  let seen = 0
  host.meddle = ([name]) => (name === message && ++seen > count ? 'cut' : undefined)
  assert.equal((await hold(host, phone, { MessageName: 'Backup' })).response, undefined)
  phone.agent.cache = undefined
  return { ...host, meddle: () => undefined }
}

async function restored(host: ScriptedHost) {
  const fresh = newEmptyPhone()
  await using _ = fresh.contents
  const { response, transcript } = await restoreTo(fresh, host)
  return { code: response?.ErrorCode, digests: await digestsOf(fresh.contents), transcript }
}

// docs/protocol/mobilebackup2.md#restore
test('a backup that was interrupted while it uploaded is restored as it was before', async () => {
  const { code, digests } = await restored(await interrupted(backup, 'DLMessageUploadFiles', 2))
  assert.equal(code, 0)
  assert.deepEqual(digests, first)
})

for (const [moves, what] of [
  [0, 'before the first move'],
  [1, 'after the files, before the manifest'],
  [2, 'between the two manifests'],
  [3, 'after the last move'],
] as const) {
  test(`a backup that was interrupted while it moved, ${what}, is restored as it is now`, async () => {
    const message = moves === 3 ? 'DLMessageRemoveItems' : 'DLMessageMoveItems'
    const { code, digests, transcript } = await restored(await interrupted(backup, message, moves === 3 ? 0 : moves))
    assert.equal(code, 0)
    assert.deepEqual(digests, second)
    assert.equal(transcript.includes(`list ${UDID}/Snapshot`), moves < 3)
  })
}

test('a first backup that was interrupted while it moved is restored all the same', async () => {
  const empty = { ...copyOf(backup), files: new Map(), folders: new Set<string>() }
  const { code, digests } = await restored(await interrupted(empty, 'DLMessageMoveItems', 1))
  assert.equal(code, 0)
  assert.deepEqual(digests, second)
})

test('a first backup that was interrupted while it uploaded is no backup', async () => {
  const empty = { ...copyOf(backup), files: new Map(), folders: new Set<string>() }
  assert.equal((await restored(await interrupted(empty, 'DLMessageUploadFiles', 2))).code, 204)
})
