import { utf8 } from '../../base/bytes.ts'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import type { Identity } from '../identity/identity.ts'
import { MediaTree } from './afc/media-tree.ts'
import type { ServicePhone } from './service.ts'

/** Says that all crash reports are where they can be read now. Raw bytes, no frame. Source: docs/protocol/small-services.md#crash-reports */
export async function serveCrashReportMover(
  channel: ByteChannel,
  _phone: ServicePhone,
  { signal }: WaitOptions,
): Promise<void> {
  await channel.write(utf8('ping\0'), { signal })
}

/** The reports that a phone in use has: each a line of JSON about the crash, and a JSON text with the rest. */
export function createCrashReports(identity: Identity, clock: Clock): MediaTree {
  const reports = new MediaTree({ clock })
  const day = new Date(clock.nowMs()).toISOString().slice(0, 10)
  const add = (path: string, about: ReportKind) => {
    reports.makeFile(path).bytes.write(0, utf8(reportText({ identity, day, about })))
  }
  reports.makeFolder('Retired')
  add(`backupd-${day}-010203.ips`, { name: 'backupd', bugType: '309', body: { termination: 'SIGNAL 6 Abort trap: 6' } })
  add(`JetsamEvent-${day}-020304.ips`, { name: 'JetsamEvent', bugType: '298', body: { largestProcess: 'backupd' } })
  return reports
}

interface ReportKind {
  readonly name: string
  readonly bugType: string
  readonly body: { readonly [key: string]: string }
}

function reportText({ identity, day, about }: { identity: Identity; day: string; about: ReportKind }): string {
  const head = {
    app_name: about.name,
    timestamp: `${day} 01:02:03.00 +0000`,
    bug_type: about.bugType,
    os_version: `iPhone OS ${identity.productVersion} (${identity.buildVersion})`,
  }
  return `${JSON.stringify(head)}\n${JSON.stringify({ modelCode: identity.model.productType, ...about.body }, undefined, 2)}\n`
}
