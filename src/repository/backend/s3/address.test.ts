import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bucketStyleOf, parseS3Address, regionOf } from './address.ts'

test('the region is in the names of the great stores, and in no other', () => {
  const cases = {
    's3.amazonaws.com': undefined,
    's3.eu-central-1.amazonaws.com': 'eu-central-1',
    's3-eu-west-1.amazonaws.com': 'eu-west-1',
    's3.dualstack.us-gov-west-1.amazonaws.com': 'us-gov-west-1',
    's3.cn-north-1.amazonaws.com.cn': 'cn-north-1',
    's3.us-west-004.backblazeb2.com': 'us-west-004',
    's3.eu-central-2.wasabisys.com': 'eu-central-2',
    '0123.r2.cloudflarestorage.com': 'auto',
    'nas.local:9000': undefined,
    '127.0.0.1:9000': undefined,
  }
  for (const [host, region] of Object.entries(cases)) {
    assert.equal(regionOf(parseS3Address(`https://${host}/bucket`)), region, host)
  }
})

test('Amazon is asked by host, unless the bucket does not fit into one; others by path', () => {
  const styleOf = (text: string) => bucketStyleOf(parseS3Address(text))
  assert.equal(styleOf('s3.amazonaws.com/bucket'), 'host')
  assert.equal(styleOf('s3.amazonaws.com/bucket.with.dots'), 'path')
  assert.equal(styleOf('s3.amazonaws.com/Bucket'), 'path')
  assert.equal(styleOf('nas.local/bucket'), 'path')
  assert.equal(styleOf('s3.amazonaws.com.evil.example/bucket'), 'path')
})
