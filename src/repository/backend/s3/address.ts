import { badAddress } from '../http/errors.ts'

/** Where in an S3-compatible store a repository lies. */
export interface S3Address {
  /** Scheme, host and port. */
  readonly origin: string
  readonly bucket: string
  /** Folders in the bucket, without slashes at the ends; empty for the bucket itself. */
  readonly prefix: string
}

/**
 * What follows `s3:` as restic writes it: `HOST/BUCKET/PREFIX`, `//HOST/BUCKET/PREFIX` or a URL; https unless the URL says http.
 * Throws `repo.bad-address`, without repeating what may be a secret.
 */
export function parseS3Address(text: string): S3Address {
  const url = URL.parse(/^https?:\/\//i.test(text) ? text : `https://${text.replace(/^\/\//, '')}`)
  if (url === null || url.hostname === '') throw badAddress('s3:', 'that is no address')
  if (url.username !== '' || url.password !== '') {
    throw badAddress(
      `s3:${url.origin}`,
      'keys do not belong in an address; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    )
  }
  if (url.search !== '' || url.hash !== '') throw badAddress(`s3:${url.origin}`, 'an address has no ? and no #')
  const [bucket = '', ...folders] = segmentsOf(url)
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{2,62}$/.test(bucket)) {
    throw badAddress(`s3:${url.origin}`, bucket === '' ? 'the bucket is missing' : 'that is no name of a bucket')
  }
  return { origin: url.origin, bucket, prefix: folders.join('/') }
}

/** For messages. */
export function s3Location({ origin, bucket, prefix }: S3Address): string {
  return `s3:${[origin, bucket, prefix].filter((part) => part !== '').join('/')}`
}

function segmentsOf(url: URL): readonly string[] {
  try {
    return decodeURIComponent(url.pathname)
      .split('/')
      .filter((segment) => segment !== '')
  } catch (cause) {
    throw badAddress(`s3:${url.origin}`, 'its path has a stray %', cause)
  }
}

/** Regions have names such as eu-central-1, us-gov-west-1 or us-west-004. */
const REGION = /^[a-z]{2}(-[a-z]+)+-\d{1,3}$/

/** The region that a host name tells of, as Amazon's, Backblaze's and Wasabi's do; undefined if it tells none. */
export function regionOf({ origin }: S3Address): string | undefined {
  const { hostname } = new URL(origin)
  if (hostname.endsWith('.r2.cloudflarestorage.com')) return 'auto'
  return hostname
    .replace(/^s3-/, '')
    .split('.')
    .find((label) => REGION.test(label))
}

/** How a bucket is named in a request: in the path, or as part of the host. */
export type BucketStyle = 'path' | 'host'

/** Amazon wants the host, everybody understands the path; a dot in a bucket's name fits no certificate. */
export function bucketStyleOf({ origin, bucket }: S3Address): BucketStyle {
  const isAmazon = /\.amazonaws\.com(\.cn)?$/.test(new URL(origin).hostname)
  return isAmazon && /^[a-z0-9-]+$/.test(bucket) ? 'host' : 'path'
}
