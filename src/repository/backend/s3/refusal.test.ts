import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { utf8 } from '../../../base/bytes.ts'
import { AppError } from '../../../base/errors.ts'
import type { Doing } from '../http/http-backend.ts'
import { TryAgain } from '../http/persist.ts'
import { s3Refusal } from './refusal.ts'

interface Told {
  readonly status: number
  readonly code?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly doing?: Doing
  readonly more?: string
}

function refuse({ status, code, headers = {}, doing = 'load', more = '' }: Told): Error {
  const body = code === undefined ? '' : `<Error><Code>${code}</Code><Message>AKIAHUSH</Message>${more}</Error>`
  const reply = { status, headers: new Headers(headers), body: utf8(body), isCut: false }
  return s3Refusal(reply, { location: 's3:https://host/bucket', doing, nowMs: Date.parse('2026-01-02T03:04:05Z') })
}

const SKEWED: Told = {
  status: 403,
  code: 'RequestTimeTooSkewed',
  headers: { date: 'Fri, 02 Jan 2026 05:00:00 GMT' },
}

const FINAL: readonly (readonly [expected: string, says: RegExp, told: Told])[] = [
  ['repo.access-denied', /access key \(InvalidAccessKeyId\)/, { status: 403, code: 'InvalidAccessKeyId' }],
  ['repo.access-denied', /access key \(SignatureDoesNotMatch\)/, { status: 403, code: 'SignatureDoesNotMatch' }],
  ['repo.access-denied', /access key \(ExpiredToken\)/, { status: 400, code: 'ExpiredToken' }],
  ['repo.access-denied', /read a file \(403\)/, { status: 403, code: 'AccessDenied' }],
  ['repo.access-denied', /list files \(403\)/, { status: 403, doing: 'list' }],
  ['repo.access-denied', /look for a file/, { status: 403, doing: 'measure' }],
  ['repo.append-only', /removes and replaces nothing/, { status: 403, code: 'AccessDenied', doing: 'remove' }],
  ['repo.append-only', /removes/, { status: 400, code: 'ObjectLocked', doing: 'remove' }],
  ['repo.append-only', /removes/, { status: 405, code: 'MethodNotAllowed', doing: 'remove' }],
  ['repo.clock-wrong', /there it is Fri, 02 Jan/, SKEWED],
  ['repo.bad-address', /region eu-central-1/, { status: 301, headers: { 'x-amz-bucket-region': 'eu-central-1' } }],
  [
    'repo.bad-address',
    /region eu-west-3.*AWS_DEFAULT_REGION/,
    { status: 400, code: 'AuthorizationHeaderMalformed', more: '<Region>eu-west-3</Region>' },
  ],
  ['repo.bad-address', /sends elsewhere \(302\)/, { status: 302 }],
  ['repo.bad-address', /no such bucket/, { status: 404, code: 'NoSuchBucket', doing: 'save' }],
  ['repo.no-space', /no room/, { status: 507 }],
  ['repo.no-space', /no room/, { status: 403, code: 'QuotaExceeded', doing: 'save' }],
  ['repo.storage-failed', /did not understand a request \(InvalidRequest\)/, { status: 400, code: 'InvalidRequest' }],
  ['repo.storage-failed', /would not write a file \(501\)/, { status: 501, doing: 'save' }],
]

for (const [expected, says, told] of FINAL) {
  test(`${JSON.stringify(told)} is ${expected}`, () => {
    const error = refuse(told)
    assert.ok(error instanceof AppError)
    assert.equal(error.code, expected)
    assert.match(error.message, says)
    assert.doesNotMatch(inspect(error), /AKIAHUSH/)
  })
}

const PASSING: readonly Told[] = [
  { status: 500, code: 'InternalError' },
  { status: 503, code: 'SlowDown' },
  { status: 429 },
  { status: 408 },
  { status: 400, code: 'RequestTimeout' },
  { status: 400, code: 'BadDigest', doing: 'save' },
  { status: 400, code: 'XAmzContentSHA256Mismatch', doing: 'save' },
  { status: 409, code: 'OperationAborted', doing: 'save' },
  { status: 412, code: 'PreconditionFailed', doing: 'save' },
]

for (const told of PASSING) {
  test(`${JSON.stringify(told)} passes`, () => {
    assert.ok(refuse(told) instanceof TryAgain)
  })
}

test('a server may say how long to wait, in seconds or as a date', () => {
  const waitOf = (text: string) => {
    const error = refuse({ status: 503, code: 'SlowDown', headers: { 'retry-after': text } })
    return error instanceof TryAgain ? error.waitMs : undefined
  }
  assert.equal(waitOf('7'), 7000)
  assert.equal(waitOf('Fri, 02 Jan 2026 03:05:05 GMT'), 60_000)
  assert.equal(waitOf('Fri, 02 Jan 2026 03:00:00 GMT'), 0)
  assert.equal(waitOf('soon'), 0)
})
