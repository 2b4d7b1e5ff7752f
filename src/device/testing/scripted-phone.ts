import { TLSSocket } from 'node:tls'
import { NEVER } from '../../base/abort.ts'
import type { ByteChannel } from '../../base/channel.ts'
import { openChannel } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import type { PlistDict } from '../../plist/index.ts'
import type { PairRecord } from '../pairing/pair-record.ts'
import type { Phone } from '../phone.ts'
import type { Identity } from './fake-phone.ts'
import { answering, framedPlist, wire } from './wire.ts'

/** Plays one connection to a service. A text instead is lockdownd's refusal to start it. */
export type ServiceScript = ((far: ByteChannel) => Promise<unknown>) | string

/** A phone in memory that is paired with this computer and has these services, each without TLS. `started` fills with their names. */
export function scriptedPhone({
  record,
  identity,
  clock,
  services,
}: {
  readonly record: PairRecord
  readonly identity: Identity
  readonly clock: Clock
  readonly services: { readonly [service: string]: ServiceScript }
}): { readonly phone: Phone; readonly started: string[] } {
  const started: string[] = []
  const names = Object.keys(services)
  const serveLockdown = async (far: ByteChannel) => {
    const greeting: PlistDict = { Request: 'QueryType', Type: 'com.apple.mobile.lockdown' }
    const session = { Request: 'StartSession', SessionID: 'x', EnableSessionSSL: true }
    await answering(far, [greeting], [{ Request: 'GetValue', Value: '18.5' }], [session])
    const tls = new TLSSocket(far.detach(), { isServer: true, cert: identity.certificate, key: identity.key })
    const channel = openChannel(tls)
    const [request] = await answering(channel, [])
    const name = String(request?.Service)
    started.push(name)
    const script = services[name] ?? 'InvalidService'
    const answer = typeof script === 'string' ? { Error: script } : { Port: 50_000 + names.indexOf(name) }
    await channel.write(framedPlist({ Request: 'StartService', ...answer }), { signal: NEVER })
  }
  const serve = async (port: number, far: ByteChannel) => {
    const script = port === 62_078 ? serveLockdown : services[names[port - 50_000] ?? '']
    if (typeof script !== 'function') return
    await script(far)
  }
  const phone: Phone = {
    udid: 'a'.repeat(40),
    transport: 'usb',
    clock,
    async dial(port) {
      const { near, far } = wire()
      serve(port, far).catch((error: unknown) => {
        if (!isAppError(error)) throw error
      })
      return near
    },
    pairRecords: {
      async *candidates() {
        yield { record, isOurs: true }
      },
      save: async () => undefined,
      adopt: async () => undefined,
    },
  }
  return { phone, started }
}
