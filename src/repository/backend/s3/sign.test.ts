import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../../base/secret.ts'
import { EMPTY_SHA256, encodeKey, signRequest } from './sign.ts'

const credentials = {
  accessKeyId: new Secret('AKIAIOSFODNN7EXAMPLE'),
  secretAccessKey: new Secret('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'),
  sessionToken: undefined,
}
const options = { credentials, region: 'us-east-1', nowMs: Date.parse('2013-05-24T00:00:00Z') }

// Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header", examples.
const EXAMPLES = [
  ['?lifecycle', 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
  ['?max-keys=2&prefix=J', '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7'],
] as const

for (const [query, signature] of EXAMPLES) {
  test(`GET ${query} is signed as Amazon's example is`, async () => {
    const url = `https://examplebucket.s3.amazonaws.com/${query}`
    const request = { method: 'GET', url, headers: { 'x-amz-content-sha256': EMPTY_SHA256 } } as const
    const { headers } = await signRequest(request, options)
    assert.equal(
      headers.authorization,
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, ' +
        `SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${signature}`,
    )
    assert.equal(headers['x-amz-date'], '20130524T000000Z')
  })
}

test('a session token is sent, and signed', async () => {
  const request = { method: 'GET', url: 'https://host/bucket', headers: {} } as const
  const temporary = { ...credentials, sessionToken: new Secret('token') }
  const { headers } = await signRequest(request, { ...options, credentials: temporary })
  assert.equal(headers['x-amz-security-token'], 'token')
  assert.match(headers.authorization ?? '', /SignedHeaders=[^,]*x-amz-security-token/)
})

test('names are escaped as Amazon escapes them', () => {
  assert.equal(encodeKey("a b/c+d/(é)*!'~-_."), 'a%20b/c%2Bd/%28%C3%A9%29%2A%21%27~-_.')
})
