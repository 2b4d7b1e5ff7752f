import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { isAppError } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import { pathOf } from './backend/backend.ts'
import { addKey, changePassword, listKeys, removeKey } from './keys.ts'
import { openRepository, type Repository } from './repository.ts'
import { createFaultyBackend } from './testing/faulty-backend.ts'
import { memoryRepository } from './testing/repositories.ts'
import { CHEAP_KDF, clock, newRepository, PASSWORD, restic, signal, temporaryFolder } from './testing/restic.ts'

const OTHER = new Secret('battery staple')
const label = { createdMs: clock.nowMs() + 1000, hostname: 'there', username: 'anna' }
const newKey = { password: OTHER, label, kdf: CHEAP_KDF, signal }

/** True if a repository on the same backend opens with the password. */
async function opens({ backend }: Repository, password: Secret): Promise<boolean> {
  const opened = await openRepository(backend, { password, signal }).catch((error: unknown) => {
    if (!isAppError(error, 'repo.wrong-password')) throw error
  })
  return opened !== undefined
}

test('an added password opens the repository beside the first one, and the list says whose it is', async () => {
  const { repository } = await memoryRepository()
  const id = await addKey(repository, newKey)
  assert.ok((await opens(repository, OTHER)) && (await opens(repository, PASSWORD)))
  assert.deepEqual(await listKeys(repository, { signal }), [
    {
      id: repository.keyId,
      created: '2026-01-02T03:04:05Z',
      hostname: 'phonekeep',
      username: 'phonekeep',
      isCurrent: true,
    },
    { id, created: '2026-01-02T03:04:06Z', hostname: 'there', username: 'anna', isCurrent: false },
  ])
})

test('a removed password opens nothing any more', async () => {
  const { repository } = await memoryRepository()
  const id = await addKey(repository, newKey)
  assert.equal(await removeKey(repository, id.slice(0, 8), { signal }), id)
  assert.equal(await opens(repository, OTHER), false)
})

test('neither the key in use nor the last one can be removed', async () => {
  const { repository } = await memoryRepository()
  const needed = (error: unknown) => isAppError(error, 'repo.key-needed')
  const { keyId = '' } = repository
  await assert.rejects(removeKey(repository, keyId, { signal }), needed)
  await addKey(repository, newKey)
  await assert.rejects(removeKey(repository, keyId, { signal }), needed)
  const other = await openRepository(repository.backend, { password: OTHER, signal })
  await removeKey(other, keyId, { signal })
  assert.ok(await opens(repository, OTHER))
})

test('a key must be named so that it is one', async () => {
  const { repository } = await memoryRepository()
  for (let n = 0; n < 17; n++) await addKey(repository, newKey)
  const unclear = (error: unknown) => isAppError(error, 'repo.key-unclear')
  for (const wanted of ['', 'x']) await assert.rejects(removeKey(repository, wanted, { signal }), unclear)
  const digits = (await listKeys(repository, { signal })).map(({ id }) => id.charAt(0))
  const twice = digits.find((digit, index) => digits.indexOf(digit) !== index)
  await assert.rejects(removeKey(repository, twice ?? '', { signal }), unclear)
})

test('a key that no program would try is not added', async () => {
  const { repository } = await memoryRepository()
  for (let n = 0; n < 19; n++) await addKey(repository, newKey)
  await assert.rejects(addKey(repository, newKey), (error) => isAppError(error, 'repo.keys-full'))
  assert.ok(await opens(repository, PASSWORD))
})

test('a changed password takes the place of the one in use, and of no other', async () => {
  const { repository } = await memoryRepository()
  const third = new Secret('third')
  await addKey(repository, { ...newKey, password: third })
  await changePassword(repository, newKey)
  const passwords = [PASSWORD, OTHER, third]
  assert.deepEqual(await Promise.all(passwords.map((password) => opens(repository, password))), [false, true, true])
})

test('wherever a change of password fails, the old or the new one opens', async () => {
  for (let failAt = 1, fired = true; fired; failAt++) {
    const { backend } = await memoryRepository()
    const faulty = createFaultyBackend(backend, { failAt: failAt + 2, kind: 'before' })
    const repository = await openRepository(faulty, { password: PASSWORD, signal }).catch(() => undefined)
    if (repository !== undefined) await changePassword(repository, newKey).catch(() => undefined)
    fired = faulty.fired
    const intact = await openRepository(backend, { password: PASSWORD, signal }).catch(() => undefined)
    assert.ok(intact !== undefined || (await openRepository(backend, { password: OTHER, signal })))
  }
})

test('a key file that is not what its name says is damage', async () => {
  const { backend, repository } = await memoryRepository()
  backend.files.set(pathOf({ kind: 'key', id: repository.keyId! }), Buffer.from('{}'))
  await assert.rejects(listKeys(repository, { signal }), (error) => isAppError(error, 'repo.damaged'))
})

test('restic opens with our key, and we with restic’s', async () => {
  await using folder = await temporaryFolder()
  const repository = await newRepository(folder.path)
  await addKey(repository, newKey)
  const printed = await restic(folder.path, ['key', 'list', '--json'], { RESTIC_PASSWORD: OTHER.reveal() })
  const listed: readonly { readonly current: boolean; readonly userName: string }[] = JSON.parse(printed)
  assert.deepEqual(listed.map(({ current, userName }) => [current, userName]).sort(), [
    [false, 'phonekeep'],
    [true, 'anna'],
  ])
  const file = join(folder.path, 'third')
  await writeFile(file, 'third')
  await restic(folder.path, ['key', 'add', '--user', 'restic', '--new-password-file', file])
  const opened = await openRepository(repository.backend, { password: new Secret('third'), signal })
  const current = (await listKeys(opened, { signal })).find(({ isCurrent }) => isCurrent)
  assert.equal(current?.username, 'restic')
})
