import { viewOf } from '../../base/bytes.ts'

/** A socket address as systems of BSD's kind have it in memory, or as Linux does; libimobiledevice casts the bytes. */
export type AddressLayout = 'bsd' | 'native'

const STORAGE_BYTES = 128
const FAMILY_IPV4 = 2
const IPV4_ADDRESS_BYTES = 16

/** IPv4 in the 128 bytes of a `sockaddr_storage`, port 0. Source: docs/protocol/usbmux.md#phones-on-the-network */
export function encodeNetworkAddress(address: string, layout: AddressLayout): Uint8Array {
  const storage = new Uint8Array(STORAGE_BYTES)
  if (layout === 'bsd') storage.set([IPV4_ADDRESS_BYTES, FAMILY_IPV4])
  else viewOf(storage).setUint16(0, FAMILY_IPV4, true)
  storage.set(address.split('.').map(Number), 4)
  return storage
}
