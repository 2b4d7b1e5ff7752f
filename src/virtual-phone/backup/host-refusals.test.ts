import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plist } from '../../plist/index.ts'
import { newPhone, UDID } from '../testing/phone-for-tests.ts'
import { hold, newHost, type ScriptedHost } from '../testing/scripted-host.ts'
import { statusError } from './backup-error.ts'

const BACKUP = { MessageName: 'Backup' }

/** Answers the nth request of a kind with a status. */
function refuse(host: ScriptedHost, kind: string, status: readonly [number, string, Plist], nth = 1): void {
  let seen = 0
  host.meddle = ([name]) => (name === kind && ++seen === nth ? status : undefined)
}

async function outcome(prepare: (host: ScriptedHost) => void) {
  const host = newHost()
  prepare(host)
  const { response } = await hold(host, newPhone({ files: 40, bytes: 10_000 }), BACKUP)
  return { code: response?.ErrorCode, text: String(response?.ErrorDescription), host }
}

// Source of the codes: docs/protocol/mobilebackup2.md#errors
for (const [status, code] of [
  [-1, 1],
  [-3, 100],
  [-6, 4],
  [-7, 3],
  [-8, 5],
  [-11, 100],
  [-13, 2],
  [-15, 105],
  [-28, 100],
] as const) {
  test(`DeviceLink status ${status} is MBErrorDomain ${code}`, () => {
    assert.equal(statusError(status, 'x').code, code)
  })
}

for (const [kind, status, code, inner] of [
  ['DLMessageCreateDirectory', -15, 104, 105],
  ['DLMessageCreateDirectory', -6, 205, 4],
  ['DLMessageUploadFiles', -15, 104, 105],
  ['DLMessageMoveItems', -1, 104, 1],
  ['DLMessageMoveItems', -6, 205, 4],
  ['DLMessageRemoveItems', -1, 104, 1],
  ['DLContentsOfDirectory', -6, 205, 4],
  ['DLContentsOfDirectory', -1, 103, 1],
] as const) {
  test(`${kind} refused with ${status} ends the backup with ${code}, ${inner} inside`, async () => {
    const { code: found, text } = await outcome((host) => refuse(host, kind, [status, 'told so', {}]))
    assert.equal(found, code)
    assert.ok(text.includes(`(MBErrorDomain/${code})`) && text.includes('told so'), text)
    assert.ok(text.includes(`(MBErrorDomain/${inner})`), text)
  })
}

test('a folder that exists and a removal of nothing are no errors', async () => {
  assert.equal((await outcome((host) => refuse(host, 'DLMessageCreateDirectory', [-7, '', {}]))).code, 0)
  assert.equal((await outcome((host) => refuse(host, 'DLMessageRemoveItems', [-6, 'nothing', {}], 2))).code, 0)
})

test('a negative status written as an unsigned number is understood', async () => {
  const { code } = await outcome((host) => {
    host.meddle = ([name]) => (name === 'DLMessageCreateDirectory' ? [2n ** 64n - 7n, 'exists', {}] : undefined)
  })
  assert.equal(code, 0)
})

test('a single path that could not be moved is an error', async () => {
  const path = `${UDID}/Snapshot/Manifest.plist`
  const failed = { [path]: { DLFileErrorCode: -15, DLFileErrorString: 'full' } }
  const { code, text } = await outcome((host) => refuse(host, 'DLMessageMoveItems', [-13, 'Multi status', failed], 2))
  assert.equal(code, 104)
  assert.ok(text.includes(path))
})

test('a missing Manifest.db is the one move that may fail', async () => {
  const missing = { [`${UDID}/Snapshot/Manifest.db`]: { DLFileErrorCode: -6, DLFileErrorString: 'gone' } }
  const { text } = await outcome((host) => refuse(host, 'DLMessageMoveItems', [-13, 'Multi status', missing], 3))
  assert.match(text, /Error reading manifest/, 'the move passed; the final check finds it')
})

test('without enough room the phone asks once for a purge and ends with 105 before a byte moves', async () => {
  const host = newHost()
  host.freeBytes = 1_000_000
  const { response, transcript, received } = await hold(host, newPhone({ files: 40, bytes: 10_000 }), BACKUP)
  const need = 10_000 + 128 * 2 ** 20
  assert.equal(response?.ErrorCode, 105)
  assert.match(String(response?.ErrorDescription), /^Insufficient free disk space on drive to back up/)
  assert.deepEqual(transcript.slice(1), ['free space', `purge ${need - 1_000_000 + 2 ** 31} 4`])
  assert.deepEqual(received, [])
})

for (const [ios, version, asked] of [
  ['13.7', 400, ['free space']],
  ['14.0', 300, ['free space']],
  ['14.0', 200, []],
] as const) {
  test(`a phone with iOS ${ios} asks a host of DeviceLink ${version} for ${asked[0] ?? 'nothing'}, and no purge`, async () => {
    const host = newHost()
    Object.assign(host, { freeBytes: 0, version })
    const { response, transcript } = await hold(host, newPhone({ files: 5, bytes: 100, ios }), BACKUP)
    assert.equal(response?.ErrorCode, asked.length === 0 ? 0 : 105)
    assert.deepEqual(
      transcript.filter((line) => /^(free|purge)/.test(line)),
      asked,
    )
  })
}

test('a purge that makes room lets the backup go on', async () => {
  const host = newHost()
  host.freeBytes = 0
  host.meddle = ([name]) => {
    if (name !== 'DLMessagePurgeDiskSpace') return undefined
    host.freeBytes = 1e12
    return [0, '', 1e12]
  }
  const { response, transcript } = await hold(host, newPhone({ files: 40, bytes: 10_000 }), BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.equal(transcript.filter((line) => line === 'free space').length, 2)
})

test('a purge that does not help ends with 105', async () => {
  const host = newHost()
  host.freeBytes = 0
  host.meddle = ([name]) => (name === 'DLMessagePurgeDiskSpace' ? [0, '', 1] : undefined)
  assert.equal((await hold(host, newPhone({ files: 40, bytes: 10_000 }), BACKUP)).response?.ErrorCode, 105)
})

test('a host that does not tell its free space is not checked', async () => {
  assert.equal((await outcome((host) => refuse(host, 'DLMessageGetFreeDiskSpace', [-1, 'no idea', {}]))).code, 0)
})

test('a host that loses a file is found out by the final check', async () => {
  const host = newHost()
  host.meddle = ([name]) => {
    if (name === 'DLContentsOfDirectory')
      host.files.delete([...host.files.keys()].find((path) => /[0-9a-f]{40}$/.test(path))!)
    return undefined
  }
  const { response } = await hold(host, newPhone({ files: 40, bytes: 10_000 }), BACKUP)
  assert.equal(response?.ErrorCode, 205)
  assert.match(String(response?.ErrorDescription), /^Manifest references files not in backup/)
})

test('a host that claims empty folders is found out by the final check', async () => {
  const { code } = await outcome((host) => {
    host.meddle = ([name]) => (name === 'DLContentsOfDirectory' ? [0, '', {}] : undefined)
  })
  assert.equal(code, 205)
})

test('a host that keeps another manifest is found out by the final check', async () => {
  const host = newHost()
  host.meddle = ([name]) => {
    const path = `${UDID}/Manifest.db`
    const kept = host.files.get(path)
    if (name === 'DLMessageRemoveItems' && kept !== undefined)
      host.files.set(path, Buffer.concat([kept, Buffer.alloc(4_096)]))
    return undefined
  }
  assert.equal((await hold(host, newPhone({ files: 40, bytes: 10_000 }), BACKUP)).response?.ErrorCode, 205)
})
