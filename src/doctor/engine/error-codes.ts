/** Where an error of an iCloud backup points. */
export type Pointer =
  | 'storage'
  | 'phone-storage'
  | 'no-network'
  | 'network'
  | 'service'
  | 'account'
  | 'policy'
  | 'lock'
  | 'conditions'
  | 'restart'
  | 'update'
  | 'copy'
  /** The phone was told to come back later. */
  | 'wait'
  /** It says nothing about iCloud. */
  | 'nothing'

export interface ErrorMeaning {
  readonly pointer: Pointer
  /** The phone tries again by itself. */
  readonly transient: boolean
}

interface Codes {
  readonly pointers: Readonly<Record<number, Pointer>>
  readonly transient: readonly number[]
}

/** Source: docs/protocol/doctor.md#error-codes */
const CODES: Readonly<Record<string, Codes>> = {
  MBErrorDomain: {
    pointers: {
      0: 'nothing',
      1: 'copy',
      3: 'restart',
      4: 'copy',
      5: 'restart',
      6: 'restart',
      7: 'restart',
      9: 'wait',
      13: 'wait',
      17: 'wait',
      22: 'policy',
      105: 'nothing',
      106: 'phone-storage',
      202: 'conditions',
      203: 'update',
      208: 'lock',
      209: 'lock',
      217: 'conditions',
      218: 'conditions',
      219: 'conditions',
      220: 'conditions',
      221: 'conditions',
      222: 'conditions',
      223: 'conditions',
      224: 'conditions',
      300: 'network',
      301: 'service',
      302: 'service',
      303: 'storage',
      304: 'service',
      305: 'account',
      306: 'wait',
      307: 'wait',
      308: 'no-network',
      310: 'copy',
      500: 'nothing',
    },
    transient: [17, 19, 20, 105, 106, 202, 208, 217, 218, 219, 220, 300, 302, 304, 305, 308, 310, 556, 557],
  },
  CKErrorDomain: {
    pointers: {
      1: 'copy',
      3: 'no-network',
      4: 'network',
      6: 'service',
      7: 'wait',
      9: 'account',
      20: 'conditions',
      23: 'wait',
      25: 'storage',
      36: 'service',
    },
    transient: [3, 4, 6, 7, 9, 20, 23, 36],
  },
  NSURLErrorDomain: {
    pointers: { [-999]: 'conditions', [-1009]: 'no-network', [-1020]: 'no-network' },
    transient: [],
  },
  NSCocoaErrorDomain: { pointers: { 640: 'phone-storage' }, transient: [] },
}

/** Undefined for an error that we know nothing about. */
export function meaningOf({
  domain,
  code,
}: {
  readonly domain: string
  readonly code: number
}): ErrorMeaning | undefined {
  const codes = Object.hasOwn(CODES, domain) ? CODES[domain] : undefined
  const pointer = codes?.pointers[code] ?? (domain === 'NSURLErrorDomain' && code < 0 ? 'network' : undefined)
  if (codes === undefined || pointer === undefined) return undefined
  return { pointer, transient: domain === 'NSURLErrorDomain' || codes.transient.includes(code) }
}
