import { fromUtf8 } from '../../../base/bytes.ts'
import { accessDenied, appendOnly, badAddress, clockWrong, serverFull, serverRefused } from '../http/errors.ts'
import type { HttpReply } from '../http/exchange.ts'
import { TryAgain } from '../http/persist.ts'
import { type Refused, refusalOf } from '../http/refusal.ts'
import { elementOf, errorCodeOf } from './listing.ts'

/** The body was changed or cut on its way, or two writers met: the same again may succeed. */
const PASSING = new Set([
  'BadDigest',
  'ConditionalRequestConflict',
  'IncompleteBody',
  'InternalError',
  'OperationAborted',
  'PreconditionFailed',
  'RequestTimeout',
  'ServiceUnavailable',
  'SlowDown',
  'XAmzContentSHA256Mismatch',
])
const UNKNOWN_KEY = new Set([
  'ExpiredToken',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
])
const FULL = new Set(['EntityTooLarge', 'InsufficientCapacity', 'QuotaExceeded', 'XMinioStorageFull'])
const LOCKED = new Set(['InvalidObjectState', 'ObjectLocked', 'WORMProtected'])

/** What an answer of an S3 store means that nobody expected. Of its body only the code is ever shown. */
export function s3Refusal(reply: HttpReply, refused: Refused): Error {
  const { location, doing } = refused
  const body = fromUtf8(reply.body)
  const code = errorCodeOf(body)
  if (code === 'RequestTimeTooSkewed') return clockWrong(location, reply.headers.get('date'))
  if (UNKNOWN_KEY.has(code)) return accessDenied(location, `does not accept the access key (${code})`)
  if (FULL.has(code)) return serverFull(location)
  if (code === 'NoSuchBucket') return badAddress(location, 'there is no such bucket; `phonekeep init` makes it')
  if (doing === 'remove' && LOCKED.has(code)) return appendOnly(location)
  const region = reply.headers.get('x-amz-bucket-region') ?? elementOf(body, 'Region')
  if ((reply.status === 301 || reply.status === 307 || reply.status === 400) && isRegion(region)) {
    return badAddress(location, `the bucket is in the region ${region}: set AWS_DEFAULT_REGION to it`)
  }
  if (PASSING.has(code) && reply.status < 500) return new TryAgain(`the server answered ${reply.status} (${code})`)
  if (reply.status === 400 && code !== '') return serverRefused(location, `did not understand a request (${code})`)
  return refusalOf(reply, refused)
}

function isRegion(text: string | null | undefined): text is string {
  return text !== null && text !== undefined && /^[a-z0-9-]{2,32}$/.test(text)
}
