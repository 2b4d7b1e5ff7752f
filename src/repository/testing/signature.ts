import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import type { ProxyCall } from './faulty-proxy.ts'

/**
 * Checks a call as Amazon would: the signature of version 4 over what really arrived, and the SHA-256 of its body. Written from
 * the rules alone, without looking at what signs.
 */
export function assertSigned(call: ProxyCall, { secret, region }: { secret: string; region: string }): void {
  const header = (name: string) => String(call.headers[name] ?? '')
  const match = /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
    header('authorization'),
  )
  const [, credential = '', signedHeaders = '', signature] = match ?? []
  const time = header('x-amz-date')
  const day = time.slice(0, 8)
  const scope = `${day}/${region}/s3/aws4_request`
  assert.equal(credential.slice(credential.indexOf('/') + 1), scope)
  assert.equal(header('x-amz-content-sha256'), sha256(call.body))
  for (const name of Object.keys(call.headers)) {
    if (name.startsWith('x-amz-') || name === 'host') assert.ok(signedHeaders.split(';').includes(name), name)
  }
  const [path = '', query = ''] = call.path.split('?')
  const canonical = [
    call.method,
    path,
    query.split('&').sort().join('&'),
    ...signedHeaders.split(';').map((name) => `${name}:${header(name)}`),
    '',
    signedHeaders,
    header('x-amz-content-sha256'),
  ].join('\n')
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(Buffer.from(canonical))].join('\n')
  const keys = [day, region, 's3', 'aws4_request']
  const key = keys.reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${secret}`)
  assert.equal(signature, hmac(key, text).toString('hex'))
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
