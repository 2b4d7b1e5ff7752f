import { duplexPair } from 'node:stream'
import { NEVER } from '../../base/abort.ts'
import { type ByteChannel, openChannel } from '../../base/channel.ts'
import { newBackupAgent } from '../backup/index.ts'
import { openSeededContents } from '../contents/index.ts'
import { createIdentity } from '../identity/identity.ts'
import { Listeners } from '../listeners.ts'
import { createInitialValues } from '../lockdown/initial-values.ts'
import { MediaTree } from '../services/afc/media-tree.ts'
import type { LogLine, PowerRequest, ServeService, ServicePhone } from '../services/service.ts'
import { stoppedClock } from './stopped-clock.ts'

/** A phone without lockdownd, for talking to its services directly. */
export function createServicePhone({ ios = '18.5' }: { ios?: string } = {}) {
  const clock = stoppedClock()
  const contents = openSeededContents({ seed: 3, files: 200, bytes: 1_000_000, ios, clock })
  const identity = createIdentity({ seed: 3, ios }, contents.identity)
  const values = createInitialValues({ identity, publicKeyPem: '', contentsBytes: 0, clock })
  const notifications = new Listeners<string>()
  const power: PowerRequest[] = []
  const phone: ServicePhone = {
    identity,
    values,
    contents,
    media: new MediaTree({ clock }),
    clock,
    notifications,
    logLines: new Listeners<LogLine>(),
    backup: {
      udid: identity.udid,
      contents,
      clock,
      lockdown: values,
      agent: newBackupAgent(),
      post: (name) => notifications.tell(name),
    },
    onPower: (what) => power.push(what),
  }
  return { phone, clock, power }
}

/** A host's end of a connection to a service; `served` settles when the service has ended. Disposing waits for that. */
export interface ServiceConnection extends AsyncDisposable {
  readonly channel: ByteChannel
  readonly served: Promise<void>
}

export function connectService(serve: ServeService, phone: ServicePhone): ServiceConnection {
  const [near, far] = duplexPair()
  const channel = openChannel(near)
  const served = serveAndClose(serve, openChannel(far), phone)
  return {
    channel,
    served,
    async [Symbol.asyncDispose]() {
      await channel[Symbol.asyncDispose]()
      await served
    },
  }
}

async function serveAndClose(serve: ServeService, channel: ByteChannel, phone: ServicePhone): Promise<void> {
  await using owned = channel
  await serve(owned, phone, { signal: NEVER })
}
