import { BlockList, isIP, isIPv6 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { networkInterfaces } from 'node:os'

/** One network that this machine is on. */
export interface Link {
  readonly name: string
  /** This machine's own IPv4 addresses there. */
  readonly addresses: readonly string[]
  /** Whether an address belongs to somebody on this very network, and not behind a router. */
  has(address: string): boolean
}

/** The networks that this machine is on now. */
export function linksOf(interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces()): readonly Link[] {
  return Object.entries(interfaces).map(([name, infos = []]) => {
    const neighbours = neighboursOf(infos)
    return {
      name,
      addresses: infos.filter(({ family }) => family === 'IPv4').map(({ address }) => address),
      has: (address) => isIP(address) !== 0 && neighbours.check(address, isIPv6(address) ? 'ipv6' : 'ipv4'),
    }
  })
}

function neighboursOf(infos: readonly NetworkInterfaceInfo[]): BlockList {
  const list = new BlockList()
  for (const { cidr, family } of infos) {
    const [network, prefix] = cidr?.split('/') ?? []
    if (network !== undefined) list.addSubnet(network, Number(prefix), family === 'IPv6' ? 'ipv6' : 'ipv4')
  }
  return list
}

/**
 * The address in the form that can be dialled on that network: a link-local one needs its zone. Undefined when it belongs to
 * nobody there: an advert may not send us elsewhere.
 */
export function dialable(address: string, link: Link): string | undefined {
  if (!link.has(address)) return undefined
  return /^fe[89ab]/i.test(address) ? `${address}%${link.name}` : address
}

/** Best first: IPv4, then IPv6, then link-local addresses. */
export function inOrder(addresses: readonly string[]): readonly string[] {
  const rank = (address: string) => (address.includes('%') ? 2 : isIPv6(address) ? 1 : 0)
  return addresses.toSorted((left, right) => rank(left) - rank(right))
}
