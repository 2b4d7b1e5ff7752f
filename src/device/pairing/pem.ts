const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----/

/** Base64 in lines of 64 between the markers, with a final newline. */
export function encodePem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/**
 * The first PEM block in the text, laid out afresh; undefined when there is none. Records written by other programs miss
 * final newlines, wrap their lines differently or end in NUL.
 */
export function normalisePem(text: string): string | undefined {
  const [, label, body] = BLOCK.exec(text) ?? []
  return label === undefined || body === undefined ? undefined : encodePem(label, Buffer.from(body, 'base64'))
}
