import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { systemClock } from '../../../base/clock.ts'
import { isAppError } from '../../../base/errors.ts'
import {
  type FaultyProxy,
  openFaultyProxy,
  PROXY_FAULTS,
  type ProxyCall,
  type ProxyFault,
} from '../../testing/faulty-proxy.ts'
import { assertBackedUp, assertNothingTorn, runBackup } from '../../testing/server-run.ts'
import { openRestServer, openS3Server, REST_LOGIN, S3_CREDENTIALS } from '../../testing/servers.ts'
import { createSkippingClock, type SkippingClock } from '../../testing/skipping-clock.ts'
import type { Backend } from '../backend.ts'
import { parseRestAddress } from '../rest/address.ts'
import { openRestBackend } from '../rest/rest.ts'
import { parseS3Address } from '../s3/address.ts'
import { openS3Backend } from '../s3/s3.ts'
import { STALL_MS } from './exchange.ts'

const s3 = await openS3Server()
const rest = await openRestServer()
after(() => s3[Symbol.asyncDispose]())
after(() => rest[Symbol.asyncDispose]())

interface Kind {
  readonly target: string
  readonly open: (origin: string, clock: SkippingClock) => Backend
}

let places = 0
const KINDS = {
  S3: () => {
    const bucket = `bucket-${++places}`
    const open = (origin: string, clock: SkippingClock) =>
      openS3Backend(parseS3Address(`${origin}/${bucket}/phones`), { credentials: S3_CREDENTIALS, clock })
    return { target: s3.origin, open }
  },
  REST: () => {
    const folder = `repository-${++places}`
    const open = (origin: string, clock: SkippingClock) =>
      openRestBackend(parseRestAddress(`${origin}/${folder}/`), { login: REST_LOGIN, clock })
    return { target: rest.origin, open }
  },
} satisfies Readonly<Record<string, () => Kind>>

/** A whole backup through a proxy with that plan; everything must be there at the end. */
async function backUpThrough(kind: Kind, plan: (call: ProxyCall) => ProxyFault | undefined): Promise<FaultyProxy> {
  const clock = createSkippingClock(systemClock.nowMs())
  const onStall = () => {
    clock.skip(STALL_MS)
    setImmediate(() => clock.skip(STALL_MS))
  }
  await using proxy = await openFaultyProxy(kind.target, { plan, onStall })
  await runBackup(kind.open(proxy.origin, clock))
  await assertBackedUp(kind.open(kind.target, clock))
  return proxy
}

/**
 * Each call suffers the first time that it is made, and passes when it is made again. A config that arrived broken is told
 * instead, for it might be another's: see http-backend.test.ts.
 */
function onceEach(fault: ProxyFault): (call: ProxyCall) => ProxyFault | undefined {
  const seen = new Set<string>()
  return ({ method, path }) => {
    const isNew = !seen.has(`${method} ${path}`)
    seen.add(`${method} ${path}`)
    return isNew && !(fault.endsWith('upload') && path.endsWith('/config')) ? fault : undefined
  }
}

const STALLS: readonly ProxyFault[] = ['stall', 'stall-answer']

for (const [name, openKind] of Object.entries(KINDS)) {
  for (const fault of PROXY_FAULTS.filter((each) => !STALLS.includes(each))) {
    if (fault === 'garble-upload' && name === 'REST') continue
    test(`${name}: a backup is whole though every call suffers "${fault}" once`, async () => {
      const proxy = await backUpThrough(openKind(), onceEach(fault))
      assert.ok(proxy.fired >= (fault.endsWith('upload') ? 5 : 25), `${proxy.fired} faults`)
    })
  }

  test(`${name}: a backup is whole though any call stalls, before its answer or in the middle of it`, async () => {
    for (let first = 0; first < STALL_EVERY; first++) {
      const kind = STALLS[first % 2]
      const proxy = await backUpThrough(openKind(), ({ number }) => (number % STALL_EVERY === first ? kind : undefined))
      assert.ok(proxy.fired >= 3)
    }
  })
}

/** A stall takes its share of the patience that a call has. */
const STALL_EVERY = 6

test('REST: what was changed on its way is found when it is read', async () => {
  await assert.rejects(backUpThrough(KINDS.REST(), onceEach('garble-upload')), (error) =>
    isAppError(error, 'repo.damaged'),
  )
})

for (const [name, openKind] of Object.entries(KINDS)) {
  test(`${name}: a server that fails from some call on ends the backup with a clear error, and tears nothing`, async () => {
    for (let from = 1; from < 36; from += 7) {
      const kind = openKind()
      const clock = createSkippingClock(systemClock.nowMs())
      const plan = ({ number }: ProxyCall) => (number >= from ? 'error-500' : undefined)
      await using proxy = await openFaultyProxy(kind.target, { plan })
      await assert.rejects(runBackup(kind.open(proxy.origin, clock)), isUnreachable)
      assert.ok(proxy.fired > 10, 'it was asked again and again')
      await assertNothingTorn(kind.open(kind.target, clock))
    }
  })
}

/** A lock that cannot be given back adds its own failure to that of the work. */
function isUnreachable(error: unknown): boolean {
  return isAppError(error instanceof SuppressedError ? error.suppressed : error, 'repo.unreachable')
}
