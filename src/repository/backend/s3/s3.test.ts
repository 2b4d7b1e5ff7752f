import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { systemClock } from '../../../base/clock.ts'
import { isAppError } from '../../../base/errors.ts'
import { sha256 } from '../../format/id.ts'
import { backendConformance, SHOWS_NO_HALVES } from '../../testing/backend-conformance.ts'
import { openFaultyProxy, type ProxyCall } from '../../testing/faulty-proxy.ts'
import { restic, signal } from '../../testing/restic.ts'
import { openScriptedServer, type ScriptedAnswer } from '../../testing/scripted-server.ts'
import { runBackup } from '../../testing/server-run.ts'
import { openS3Server, S3_CREDENTIALS, S3_KEY } from '../../testing/servers.ts'
import { assertSigned } from '../../testing/signature.ts'
import { createSkippingClock } from '../../testing/skipping-clock.ts'
import type { Backend, StoredName } from '../backend.ts'
import { parseS3Address } from './address.ts'
import { openS3Backend } from './s3.ts'

const server = await openS3Server()
after(() => server[Symbol.asyncDispose]())
let buckets = 0

function openS3(place: string, options: { region?: string; bucketStyle?: 'path' | 'host' } = {}): Backend {
  const clock = createSkippingClock(systemClock.nowMs())
  return openS3Backend(parseS3Address(place), { credentials: S3_CREDENTIALS, clock, ...options })
}

// s3rver shows what it has of an upload; S3 itself never does.
backendConformance(
  'in a bucket',
  async () => ({
    backend: openS3(`${server.origin}/bucket-${++buckets}/some/folder`),
    [Symbol.asyncDispose]: async () => {},
  }),
  { without: SHOWS_NO_HALVES },
)

const bytes = Buffer.from('0123456789')
const id = sha256(bytes)
const pack: StoredName = { kind: 'pack', id }

test('restic reads and checks what was stored', async () => {
  const place = `${server.origin}/restic-reads/some/folder`
  await runBackup(openS3(place))
  const keys = { AWS_ACCESS_KEY_ID: S3_KEY, AWS_SECRET_ACCESS_KEY: S3_KEY }
  assert.match(await restic(`s3:${place}`, ['check', '--read-data'], keys), /no errors were found/)
})

test('every call of a backup is signed, its body included, under odd names as well', async () => {
  const calls: ProxyCall[] = []
  const plan = (call: ProxyCall) => {
    calls.push(call)
    return undefined
  }
  await using proxy = await openFaultyProxy(server.origin, { plan })
  await runBackup(openS3(`${proxy.origin}/signed/Ana's (phones) + more~`, { region: 'eu-central-1' }))
  for (const call of calls) assertSigned(call, { secret: S3_KEY, region: 'eu-central-1' })
  assert.ok(calls.length > 30)
})

test('an upload carries the SHA-256 of its content, and asks that nothing is replaced', async () => {
  const uploads: ProxyCall[] = []
  await using scripted = await openScriptedServer((call) => {
    if (call.method !== 'PUT') return undefined
    uploads.push(call)
    return {}
  })
  await openS3(`${scripted.origin}/bucket`).save(pack, [bytes.subarray(0, 4), bytes.subarray(4)], { signal })
  assert.deepEqual(scripted.calls, [`HEAD /bucket/data/84/${id}`, `PUT /bucket/data/84/${id}`])
  const [{ headers, body } = assert.fail()] = uploads
  assert.deepEqual(body, bytes)
  assert.equal(headers['content-length'], '10')
  assert.equal(headers['x-amz-content-sha256'], id)
  assert.equal(headers['x-amz-checksum-sha256'], Buffer.from(id, 'hex').toString('base64'))
  assert.equal(headers['if-none-match'], '*')
})

test('a server that does not know conditional writes is asked for one only once', async () => {
  const conditions: (string | undefined)[] = []
  await using scripted = await openScriptedServer(({ method, headers }) => {
    if (method !== 'PUT') return undefined
    conditions.push(headers['if-none-match'])
    return { status: headers['if-none-match'] === undefined ? 200 : 501 }
  })
  const backend = openS3(`${scripted.origin}/bucket`)
  for (const text of ['a', 'b', 'c']) {
    const file = Buffer.from(text)
    await backend.save({ kind: 'pack', id: sha256(file) }, [file], { signal })
  }
  assert.deepEqual(conditions, ['*', undefined, undefined, undefined])
})

/** Another writer's file appears between the look and the upload. */
async function saveBesideOther(stored: Buffer): Promise<void> {
  let isThere = false
  await using scripted = await openScriptedServer(({ method, headers }): ScriptedAnswer | undefined => {
    if (method === 'DELETE') return { status: 403 }
    if (method === 'PUT') {
      isThere = true
      return { status: 412, body: '<Error><Code>PreconditionFailed</Code></Error>' }
    }
    if (!isThere) return undefined
    if (method === 'HEAD') return { headers: { 'content-length': String(stored.length) } }
    assert.match(headers.range ?? '', /^bytes=0-/)
    const range = { 'content-range': `bytes 0-${stored.length - 1}/${stored.length}` }
    return { status: 206, headers: range, body: stored.toString() }
  })
  await openS3(`${scripted.origin}/bucket`).save(pack, [bytes], { signal })
}

test('a file that another has just written is as good as ours, if it is the same', async () => {
  await saveBesideOther(bytes)
  const saving = saveBesideOther(Buffer.from('9876543210'))
  await assert.rejects(saving, (error) => isAppError(error, 'repo.append-only'))
})

function page(keys: readonly string[], next?: string): ScriptedAnswer {
  const contents = keys.map((key) => `<Contents><Key>${key}</Key><Size>3</Size></Contents>`).join('')
  const more = next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`
  const head = `<IsTruncated>${next !== undefined}</IsTruncated>${more}`
  return {
    body: `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${head}${contents}</ListBucketResult>`,
  }
}

const IDS = ['a', 'b', 'c'].map((text) => sha256(Buffer.from(text)))
const keyOf = (each: string) => `some/folder/data/${each.slice(0, 2)}/${each}`
const listPacks = async (origin: string) =>
  await Array.fromAsync(openS3(`${origin}/bucket/some/folder`).list('pack', { signal }))

test('a long listing comes in pages; what is none of the repository is skipped', async () => {
  const foreign = ['some/folder/data/readme', keyOf(IDS[0]!).replace('data/', 'data/x'), `some/folder/data/${IDS[0]}`]
  await using scripted = await openScriptedServer(({ path }) => {
    const token = new URL(path, 'http://x').searchParams.get('continuation-token')
    if (token === null) return page([keyOf(IDS[0]!), ...foreign], 'one+/=')
    return token === 'one+/=' ? page([keyOf(IDS[1]!)], 'two') : page([keyOf(IDS[2]!)])
  })
  const found = await listPacks(scripted.origin)
  assert.deepEqual(
    found,
    IDS.map((each) => ({ id: each, sizeBytes: 3, modifiedMs: undefined })),
  )
  assert.equal(scripted.calls.length, 3)
  assert.match(scripted.calls[1] ?? '', /prefix=some%2Ffolder%2Fdata%2F&continuation-token=one%2B%2F%3D$/)
})

test('a server that gives the same page for ever is not followed', async () => {
  await using scripted = await openScriptedServer(() => page([keyOf(IDS[0]!)], 'same'))
  await assert.rejects(listPacks(scripted.origin), (error) => isAppError(error, 'repo.bad-address'))
})

test('a bucket that is missing is made, in its region, and one that may not be looked at is used', async () => {
  const made: string[] = []
  await using scripted = await openScriptedServer(({ method, path, body }) => {
    if (method !== 'PUT') return path.startsWith('/closed') ? { status: 403 } : undefined
    made.push(`${path} ${/<LocationConstraint>(.*)<\/LocationConstraint>/.exec(body.toString())?.[1]}`)
    return path.startsWith('/theirs') ? { status: 409 } : {}
  })
  await openS3(`${scripted.origin}/ours`).prepare({ signal })
  await openS3(`${scripted.origin}/far`, { region: 'eu-central-1' }).prepare({ signal })
  await openS3(`${scripted.origin}/theirs`).prepare({ signal })
  await openS3(`${scripted.origin}/closed`).prepare({ signal })
  assert.deepEqual(made, ['/ours undefined', '/far eu-central-1', '/theirs undefined'])
})

test('a refused removal is told, and so is one that an object lock forbids', async () => {
  await using scripted = await openScriptedServer(({ method }) =>
    method === 'HEAD' ? { headers: { 'content-length': '10' } } : { status: 403 },
  )
  const removing = openS3(`${scripted.origin}/bucket`).remove(pack, { signal })
  await assert.rejects(removing, (error) => isAppError(error, 'repo.append-only'))
})

test('a key that may not do a thing is told at once', async () => {
  await using scripted = await openScriptedServer(() => ({ status: 403 }))
  const backend = openS3(`${scripted.origin}/bucket`)
  const isDenied = (error: unknown) => isAppError(error, 'repo.access-denied')
  await assert.rejects(backend.save(pack, [bytes], { signal }), isDenied)
  await assert.rejects(backend.load(pack, { offset: 0, length: 1 }, { signal }), isDenied)
  await assert.rejects(Array.fromAsync(backend.list('pack', { signal })), isDenied)
  assert.equal(scripted.calls.length, 3)
})
