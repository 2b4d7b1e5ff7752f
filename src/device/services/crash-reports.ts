import { fromUtf8 } from '../../base/bytes.ts'
import type { WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import type { Phone } from '../phone.ts'
import { Afc } from './afc.ts'
import { walkFolder } from './afc-walk.ts'
import { openLimitedService } from './limited-service.ts'

const CRASH_REPORT_MOVER = 'com.apple.crashreportmover'
const CRASH_REPORTS = 'com.apple.crashreportcopymobile'
/** Years of reports are a few thousand. */
const REPORTS_MAX = 20_000
const DEPTH_MAX = 8
/** Gathering the reports of a phone that has not been asked for years takes a while. */
const MOVE_MS_MAX = 120_000

/** A report that the phone wrote: of a crash, of being out of memory, of a restart that nobody asked for, or for Apple. */
export interface CrashReport {
  /** Where it is, for `Afc.readStream` and `Afc.remove`. */
  readonly path: string
  /** The folders it is in, and its name, such as `backupd-2026-11-22-101500.ips`. As the phone says: never a path of ours. */
  readonly names: readonly string[]
  readonly sizeBytes: number
  readonly modifiedMs: number
}

/**
 * Makes the phone gather its latest reports, and opens the folder where they are; nothing is removed unless it is asked for.
 * The caller disposes it. Source: docs/protocol/small-services.md#crash-reports
 */
export async function openCrashReports(phone: Phone, { signal }: WaitOptions): Promise<Afc> {
  await gatherReports(phone, { signal })
  return new Afc(await openLimitedService(phone, CRASH_REPORTS, { signal }))
}

/** Every report, as the phone lists them. */
export async function* listCrashReports(afc: Afc, { signal }: WaitOptions): AsyncGenerator<CrashReport> {
  for await (const entry of walkFolder(afc, '', { entriesMax: REPORTS_MAX, depthMax: DEPTH_MAX, signal })) {
    const { kind, path, names, sizeBytes, modifiedMs } = entry
    if (kind === 'file') yield { path, names, sizeBytes, modifiedMs }
  }
}

/** The service says "ping" when it is done. */
async function gatherReports(phone: Phone, { signal }: WaitOptions): Promise<void> {
  await using channel = await openLimitedService(phone, CRASH_REPORT_MOVER, { answerMsMax: MOVE_MS_MAX, signal })
  const said = fromUtf8(await channel.readExactly(4, { signal }))
  if (said !== 'ping') throw badFrame('The phone did not say that its crash reports are gathered')
}
