/** Address families, as macOS, Linux and Windows number them: IPv4 is 2 everywhere. */
const IPV6_FAMILIES = new Set([0x1e, 10, 23])

/**
 * The IP address in a NetworkAddress blob, with the scope as `%n` where there is one; undefined when it holds none. The blob
 * is a socket address in the layout of macOS (a length byte, then a family byte) or of the daemon's own system (a 16-bit
 * family). Port and padding are ignored. Source: docs/protocol/usbmux.md.
 */
export function decodeNetworkAddress(blob: Uint8Array): string | undefined {
  const family = familyOf(blob)
  if (family === 2 && blob.length >= 8) return blob.subarray(4, 8).join('.')
  if (family !== undefined && IPV6_FAMILIES.has(family) && blob.length >= 24) return ipv6Of(blob)
  return undefined
}

function familyOf(blob: Uint8Array): number | undefined {
  const [first, second] = blob
  if ((first === 0x10 && second === 2) || (first === 0x1c && second === 0x1e)) return second
  return second === 0 ? first : undefined
}

function ipv6Of(blob: Uint8Array): string {
  const groups: string[] = []
  for (let at = 8; at < 24; at += 2) groups.push(((blob[at]! << 8) | blob[at + 1]!).toString(16))
  const address = shorten(groups)
  const isLinkLocal = blob[8] === 0xfe && (blob[9]! & 0xc0) === 0x80
  const scope = blob.length >= 28 ? blob[24]! | (blob[25]! << 8) | (blob[26]! << 16) : 0
  return isLinkLocal && scope !== 0 ? `${address}%${scope}` : address
}

/** Replaces the longest run of two or more zero groups by `::`, as RFC 5952 writes addresses. */
function shorten(groups: readonly string[]): string {
  let best = { start: 0, length: 1 }
  for (let start = 0; start < groups.length; start++) {
    let length = 0
    while (groups[start + length] === '0') length++
    if (length > best.length) best = { start, length }
  }
  if (best.length < 2) return groups.join(':')
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`
}
