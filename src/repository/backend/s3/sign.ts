import { AwsV4Signer } from 'aws4fetch'
import type { Secret } from '../../../base/secret.ts'
import type { HttpRequest } from '../http/exchange.ts'

/** An access key. The session token comes with keys that are good for some hours. */
export interface S3Credentials {
  readonly accessKeyId: Secret
  readonly secretAccessKey: Secret
  readonly sessionToken: Secret | undefined
}

/** The SHA-256 of nothing. */
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/**
 * The request with its signature of version 4, good for 15 minutes around that time. Its headers name the SHA-256 of its body
 * (`x-amz-content-sha256`). Source: docs/protocol/restic-repository.md#s3.
 */
export async function signRequest(
  request: HttpRequest,
  { credentials, region, nowMs }: { credentials: S3Credentials; region: string; nowMs: number },
): Promise<HttpRequest> {
  const { method, url, headers } = request
  const sessionToken = credentials.sessionToken?.reveal()
  const signer = new AwsV4Signer({
    method,
    url,
    headers: { ...headers },
    accessKeyId: credentials.accessKeyId.reveal(),
    secretAccessKey: credentials.secretAccessKey.reveal(),
    ...(sessionToken !== undefined && { sessionToken }),
    service: 's3',
    region,
    datetime: new Date(nowMs).toISOString().replaceAll(/[:-]|\.\d{3}/g, ''),
  })
  const signed = await signer.sign()
  return { ...request, headers: Object.fromEntries(signed.headers) }
}

/** As a path of a request: everything but letters, digits and `-._~/` is escaped. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodePart).join('/')
}

/** As a value of a query. */
export function encodePart(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
}
