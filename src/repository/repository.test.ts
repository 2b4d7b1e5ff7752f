import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import { pathOf } from './backend/backend.ts'
import { decodeConfig, encodeConfig, randomConfig } from './format/config.ts'
import { type Id, sha256 } from './format/id.ts'
import { decodeKeyFile, encodeKeyFile } from './format/key.ts'
import { addKey } from './keys.ts'
import { createRepository, openRepository } from './repository.ts'
import { createMemoryBackend } from './testing/memory-backend.ts'
import { backUp, memoryRepository, openedAgain, readFiles } from './testing/repositories.ts'
import { CHEAP_KDF, clock, PASSWORD, signal } from './testing/restic.ts'

const code = (wanted: string) => (error: unknown) => isAppError(error, wanted)

/** The one stored file of a folder, changed. */
function change(files: Map<string, Uint8Array>, folder: string, edit: (bytes: Buffer) => Uint8Array): void {
  const path = [...files.keys()].find((each) => each.startsWith(folder))
  assert.ok(path !== undefined)
  files.set(path, edit(Buffer.from(files.get(path)!)))
}

const flipped = (bytes: Buffer) => {
  bytes[bytes.length >>> 1]! ^= 1
  return bytes
}

test('where there is no repository, opening says so and makes nothing', async () => {
  const backend = createMemoryBackend()
  await assert.rejects(openRepository(backend, { password: PASSWORD, signal }), code('repo.absent'))
  assert.equal(backend.files.size, 0)
})

test('a repository is not made twice', async () => {
  const { backend, repository } = await memoryRepository()
  const again = createRepository(backend, { password: PASSWORD, clock, signal, kdf: CHEAP_KDF })
  await assert.rejects(again, code('repo.exists'))
  assert.equal((await openRepository(backend, { password: PASSWORD, signal })).id, repository.id)
})

test('an interrupted making is made good by the next', async () => {
  const { backend } = await memoryRepository()
  backend.files.delete('config')
  const options = { password: PASSWORD, clock, signal, kdf: CHEAP_KDF }
  const { id } = await createRepository(backend, options)
  assert.equal((await openRepository(backend, { password: PASSWORD, signal })).id, id)
  assert.equal([...backend.files.keys()].filter((path) => path.startsWith('keys/')).length, 1)
})

test('a repository that has lost its config is not taken for an empty place', async () => {
  const { backend, repository } = await memoryRepository()
  await backUp(repository, { a: Buffer.from('a') })
  backend.files.delete('config')
  const before = new Map(backend.files)
  const again = createRepository(backend, { password: PASSWORD, clock, signal, kdf: CHEAP_KDF })
  await assert.rejects(again, code('repo.exists'))
  assert.deepEqual(backend.files, before)
})

test('a wrong password opens nothing', async () => {
  const { backend } = await memoryRepository()
  await assert.rejects(openRepository(backend, { password: new Secret('wrong'), signal }), code('repo.wrong-password'))
})

test('each of several passwords opens the same repository', async () => {
  const { backend, repository } = await memoryRepository()
  const [first] = [...backend.files].filter(([path]) => path.startsWith('keys/'))
  const master = await decodeKeyFile(first![1], { password: PASSWORD, what: 'key' })
  const label = { createdMs: 0, hostname: 'h', username: 'u' }
  const second = await encodeKeyFile(master!, { password: new Secret('second'), cost: CHEAP_KDF, label })
  await backend.save({ kind: 'key', id: sha256(second) }, [second], { signal })
  for (const password of [PASSWORD, new Secret('second')]) {
    assert.equal((await openRepository(backend, { password, signal })).id, repository.id)
  }
})

test('a damaged key is skipped if another one opens, and named if none does', async () => {
  const { backend } = await memoryRepository()
  const broken = Buffer.from('{"kdf":"scrypt"}')
  backend.files.set(pathOf({ kind: 'key', id: sha256(broken) }), broken)
  await openRepository(backend, { password: PASSWORD, signal })
  const wrong = openRepository(backend, { password: new Secret('wrong'), signal })
  await assert.rejects(wrong, (error) => isAppError(error, 'repo.damaged') && error.message.includes(sha256(broken)))
})

test('a key file that was changed beside its key opens where nothing else does, and is told of', async () => {
  const { backend, repository } = await memoryRepository()
  change(backend.files, 'keys/', (bytes) =>
    Buffer.from(Buffer.from(bytes).toString().replace('phonekeep', 'phonekeeq')),
  )
  const told: string[] = []
  const onDamaged = ({ message }: Error) => told.push(message)
  const opened = await openRepository(backend, { password: PASSWORD, signal, onDamaged })
  assert.equal(opened.id, repository.id)
  assert.deepEqual(told, [`${pathOf({ kind: 'key', id: repository.keyId! })}: its content does not match its name`])
  await addKey(repository, {
    password: new Secret('second'),
    label: { createdMs: 0, hostname: 'h', username: 'u' },
    signal,
    kdf: CHEAP_KDF,
  })
  const intact = await openRepository(backend, { password: new Secret('second'), signal, onDamaged })
  assert.equal(intact.id, repository.id)
  assert.equal(told.length, 1)
})

test('a key file whose key was changed opens nothing, and is named', async () => {
  const { backend } = await memoryRepository()
  change(backend.files, 'keys/', (bytes) =>
    Buffer.from(
      Buffer.from(bytes)
        .toString()
        .replace('"salt":"', '"salt":"AAAA')
        .replace(/.{4}","data/, '","data'),
    ),
  )
  await assert.rejects(openRepository(backend, { password: PASSWORD, signal }), code('repo.damaged'))
})

test('a key file cannot order a derivation that takes for ever, or one that is none', async () => {
  const salt = Buffer.alloc(64).toString('base64')
  const costs = [
    { N: 2 ** 30, r: 8, p: 1 },
    { N: 2, r: 1, p: 2 ** 26 },
    { N: 3, r: 8, p: 1 },
    { N: 0, r: 0, p: 0 },
    { N: 1024, r: 2 ** 20, p: 1 },
  ]
  for (const cost of costs) {
    const file = Buffer.from(JSON.stringify({ kdf: 'scrypt', ...cost, salt, data: salt }))
    await assert.rejects(decodeKeyFile(file, { password: PASSWORD, what: 'key' }), code('repo.damaged'))
  }
  const other = Buffer.from(JSON.stringify({ kdf: 'argon2', salt, data: salt }))
  await assert.rejects(decodeKeyFile(other, { password: PASSWORD, what: 'key' }), code('repo.unsupported'))
  const short = Buffer.from(JSON.stringify({ kdf: 'scrypt', ...CHEAP_KDF, salt: 'AAAA', data: salt }))
  await assert.rejects(decodeKeyFile(short, { password: PASSWORD, what: 'key' }), code('repo.damaged'))
})

test('a config gives back what was written; other formats are refused', () => {
  const config = randomConfig()
  assert.deepEqual(decodeConfig(encodeConfig(config), 'config'), config)
  assert.throws(() => decodeConfig(encodeConfig(config).replace(':2,', ':1,'), 'config'), code('repo.unsupported'))
  assert.throws(() => decodeConfig(encodeConfig(config).replace(':2,', ':3,'), 'config'), code('repo.unsupported'))
  const reducible = { ...config, polynomial: 1n << 53n }
  assert.throws(() => decodeConfig(encodeConfig(reducible), 'config'), code('repo.damaged'))
  assert.throws(() => decodeConfig('{"version":2}', 'config'), code('repo.damaged'))
})

for (const [folder, name] of [
  ['config', 'the config'],
  ['index/', 'an index'],
] as const) {
  test(`a flipped bit in ${name} is noticed when it is read`, async () => {
    const { backend, repository } = await memoryRepository()
    await backUp(repository, { a: Buffer.from('a') })
    change(backend.files, folder, flipped)
    await assert.rejects(openedAgain(backend), code('repo.damaged'))
  })
}

test('a blob is read from its second copy when the first one is damaged', async () => {
  const { backend, repository } = await memoryRepository()
  const { tree } = await backUp(repository, { a: Buffer.from('twice') })
  const packs = [...backend.files.keys()].filter((path) => path.startsWith('data/'))
  const unaware = await openRepository(backend, { password: PASSWORD, signal })
  await backUp(unaware, { a: Buffer.from('twice') })
  for (const path of packs) backend.files.set(path, flipped(Buffer.from(backend.files.get(path)!)))
  assert.deepEqual(await readFiles(await openedAgain(backend), tree), { a: Buffer.from('twice') })
})

test('a blob that is nowhere, in a missing pack, or cut off is damage that names it', async () => {
  const { backend, repository } = await memoryRepository()
  await backUp(repository, { a: Buffer.from('a') })
  const id = sha256(Buffer.from('a'))
  const unknown = sha256(Buffer.from('unknown'))
  const load = (wanted: Id) => repository.loadBlob('data', wanted, { signal })
  await assert.rejects(load(unknown), (error) => isAppError(error, 'repo.damaged') && error.message.includes(unknown))
  const path = pathOf({ kind: 'pack', id: repository.index.find('data', id)!.packId })
  const whole = backend.files.get(path)!
  backend.files.set(path, whole.subarray(0, 10))
  await assert.rejects(load(id), (error) => isAppError(error, 'repo.damaged') && error.message.includes(id))
  backend.files.delete(path)
  await assert.rejects(load(id), code('repo.damaged'))
})

test('an index file larger than any program writes is refused before it is decoded', async () => {
  const { backend } = await memoryRepository()
  const bomb = Buffer.alloc(65 * 1024 * 1024)
  backend.files.set(pathOf({ kind: 'index', id: sha256(bomb) }), bomb)
  await assert.rejects(
    openedAgain(backend),
    (error) => isAppError(error, 'repo.damaged') && /more than/.test(error.message),
  )
})
