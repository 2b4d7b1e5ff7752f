import { duplexPair } from 'node:stream'
import { NEVER } from '../../base/abort.ts'
import { type ByteChannel, openChannel } from '../../base/channel.ts'
import { newBackupAgent } from '../backup/index.ts'
import { Condition } from '../condition/index.ts'
import { openSeededContents } from '../contents/index.ts'
import { Faults } from '../faults/index.ts'
import { createIdentity } from '../identity/identity.ts'
import { Listeners } from '../listeners.ts'
import { createInitialValues } from '../lockdown/initial-values.ts'
import { traitsOf } from '../personality/index.ts'
import { MediaTree } from '../services/afc/media-tree.ts'
import { createCrashReports } from '../services/crash-reports.ts'
import { completeLine, type LogLine } from '../services/log-line.ts'
import type { PowerNews, ServeService, ServicePhone } from '../services/service.ts'
import { stoppedClock } from './stopped-clock.ts'

/** A phone without lockdownd, for talking to its services directly. */
export function createServicePhone({ ios = '18.5' }: { ios?: string } = {}) {
  const clock = stoppedClock()
  const contents = openSeededContents({ seed: 3, files: 200, bytes: 1_000_000, ios, clock })
  const identity = createIdentity({ seed: 3, ios }, contents.identity)
  const condition = new Condition()
  const traits = traitsOf(ios)
  const values = createInitialValues({ identity, publicKeyPem: '', contentsBytes: () => 0, condition, clock })
  const notifications = new Listeners<string>()
  const logLines = new Listeners<LogLine>()
  const power: PowerNews[] = []
  const powerNews = new Listeners<PowerNews>()
  powerNews.add((news) => power.push(news))
  const phone: ServicePhone = {
    ...{ identity, condition, traits, values, contents, clock },
    media: new MediaTree({ clock }),
    notifications,
    logLines,
    log: (line) => logLines.tell(completeLine(line, { nowMs: clock.nowMs() })),
    crashReports: createCrashReports(identity, clock),
    power: powerNews,
    link: undefined,
    backup: {
      ...{ udid: identity.udid, contents, clock, condition, traits },
      faults: new Faults({ clock, phone: { lock: () => condition.lock(), restart: () => undefined } }),
      lockdown: values,
      agent: newBackupAgent(),
      post: (name) => notifications.tell(name),
      onBackedUp: () => undefined,
      onErase: () => undefined,
      restoreApplications: () => new Set(),
      onRestart: () => undefined,
    },
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
