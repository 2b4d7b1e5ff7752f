import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { WifiPlace } from '../wifi/wifi-place.ts'

/** A record for a test's mDNS answer. */
export type TestRecord = { readonly name: string; readonly ttl?: number; readonly flush?: boolean } & (
  | { readonly type: 'PTR'; readonly target: string }
  | { readonly type: 'SRV'; readonly target: string; readonly port: number }
  | { readonly type: 'TXT'; readonly texts: readonly (string | Uint8Array)[] }
  | { readonly type: 'A'; readonly address: string }
)

const SERVICE = '_apple-mobdev2._tcp.local'
const GROUP = '224.0.0.251'
const TYPES = { A: 1, PTR: 12, TXT: 16, SRV: 33 } as const

/** A program on the loopback interface that answers every mDNS question with what it was told to say. */
export interface Advertiser extends AsyncDisposable {
  /** For those who look for it. */
  readonly place: WifiPlace
  /** One packet each; change it as you like. */
  readonly answers: Uint8Array[]
  /** How many questions were heard. */
  readonly questions: number
  /** Says a packet unasked. */
  say(packet: Uint8Array): Promise<void>
}

export async function openAdvertiser(...answers: Uint8Array[]): Promise<Advertiser> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  socket.bind(0, '0.0.0.0')
  await once(socket, 'listening')
  socket.addMembership(GROUP, '127.0.0.1')
  socket.setMulticastInterface('127.0.0.1')
  const { port } = socket.address()
  let questions = 0
  const say = (packet: Uint8Array) => new Promise<void>((said) => socket.send(packet, port, GROUP, () => said()))
  socket.on('message', (message) => {
    const isAnswer = (message[2] ?? 0) >= 0x80
    if (isAnswer) return
    questions += 1
    for (const answer of answers) void say(answer)
  })
  return {
    place: { interfaces: ['127.0.0.1'], port },
    answers,
    get questions() {
      return questions
    },
    say,
    [Symbol.asyncDispose]: () => new Promise<void>((closed) => socket.close(() => closed())),
  }
}

/** The answer of one phone: what it is called, where it answers, and its texts. */
export function phoneAnswer({
  instance,
  port,
  texts = [],
  address = '127.0.0.1',
  host = 'Phone.local',
  ttl = 120,
}: {
  readonly instance: string
  readonly port: number
  readonly texts?: readonly (string | Uint8Array)[]
  readonly address?: string
  readonly host?: string
  readonly ttl?: number
}): Uint8Array {
  const name = `${instance}.${SERVICE}`
  return encodeAnswer([
    { type: 'PTR', name: SERVICE, target: name, ttl },
    { type: 'SRV', name, target: host, port, ttl },
    { type: 'TXT', name, texts, ttl },
    { type: 'A', name: host, address, ttl },
  ])
}

/** A DNS answer, without compression of names (RFC 1035). Written apart from the code under test. */
export function encodeAnswer(records: readonly TestRecord[]): Uint8Array {
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0x8400, 2)
  head.writeUInt16BE(records.length, 6)
  return Buffer.concat([head, ...records.map(encodeRecord)])
}

function encodeRecord(record: TestRecord): Uint8Array {
  const data = dataOf(record)
  const middle = Buffer.alloc(10)
  middle.writeUInt16BE(TYPES[record.type], 0)
  middle.writeUInt16BE(record.flush === true ? 0x8001 : 1, 2)
  middle.writeUInt32BE(record.ttl ?? 120, 4)
  middle.writeUInt16BE(data.length, 8)
  return Buffer.concat([encodeName(record.name), middle, data])
}

function dataOf(record: TestRecord): Uint8Array {
  if (record.type === 'A') return Uint8Array.from(record.address.split('.').map(Number))
  if (record.type === 'PTR') return encodeName(record.target)
  if (record.type === 'TXT') return Buffer.concat(record.texts.map((text) => withLength(Buffer.from(text))))
  const head = Buffer.alloc(6)
  head.writeUInt16BE(record.port, 4)
  return Buffer.concat([head, encodeName(record.target)])
}

function encodeName(name: string): Uint8Array {
  return Buffer.concat([...name.split('.').map((label) => withLength(Buffer.from(label))), Uint8Array.of(0)])
}

function withLength(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(bytes.length), bytes])
}
