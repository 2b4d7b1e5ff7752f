import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { serveBackup } from '../backup/index.ts'
import { serveAfc, serveCrashReports } from './afc/afc.ts'
import { serveConfiguration } from './configuration.ts'
import { serveCrashReportMover } from './crash-reports.ts'
import { serveDiagnosticsRelay } from './diagnostics-relay.ts'
import { serveHeartbeat } from './heartbeat.ts'
import { serveInstallationProxy } from './installation-proxy.ts'
import { serveNotificationProxy } from './notification-proxy.ts'
import { serveOsTraceRelay } from './os-trace-relay.ts'
import type { ServeService, ServicePhone } from './service.ts'
import { serveSpringboard } from './springboard.ts'
import { serveSyslogRelay } from './syslog-relay.ts'

export interface Service {
  readonly needsSession: boolean
  readonly serve: ServeService
}

/** The small services, by the names that StartService knows them under. Which of them wait for the first unlock, lockdownd knows. */
export const SERVICES: ReadonlyMap<string, Service> = new Map([
  ['com.apple.afc', { needsSession: true, serve: serveAfc }],
  ['com.apple.crashreportcopymobile', { needsSession: true, serve: serveCrashReports }],
  ['com.apple.crashreportmover', { needsSession: true, serve: serveCrashReportMover }],
  ['com.apple.mobile.MCInstall', { needsSession: true, serve: serveConfiguration }],
  ['com.apple.mobile.diagnostics_relay', { needsSession: true, serve: serveDiagnosticsRelay }],
  ['com.apple.mobile.heartbeat', { needsSession: true, serve: serveHeartbeat }],
  ['com.apple.mobile.insecure_notification_proxy', { needsSession: false, serve: serveNotificationProxy }],
  ['com.apple.mobile.installation_proxy', { needsSession: true, serve: serveInstallationProxy }],
  ['com.apple.mobile.notification_proxy', { needsSession: true, serve: serveNotificationProxy }],
  ['com.apple.mobilebackup2', { needsSession: true, serve: serveLoggedBackup }],
  ['com.apple.os_trace_relay', { needsSession: true, serve: serveOsTraceRelay }],
  ['com.apple.springboardservices', { needsSession: true, serve: serveSpringboard }],
  ['com.apple.syslog_relay', { needsSession: true, serve: serveSyslogRelay }],
])

/** The backup service, with what its process says in the log when a computer comes and goes. */
async function serveLoggedBackup(channel: ByteChannel, phone: ServicePhone, options: WaitOptions): Promise<void> {
  const log = (text: string) =>
    phone.log({ process: 'BackupAgent2', subsystem: 'com.apple.mobilebackup', category: 'Default', text })
  log('=agent= A computer has connected')
  try {
    await serveBackup(channel, phone.backup, options)
  } finally {
    log('=agent= The computer has disconnected')
  }
}
