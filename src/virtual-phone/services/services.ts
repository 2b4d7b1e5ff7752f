import { serveBackup } from '../backup/index.ts'
import { serveAfc } from './afc/afc.ts'
import { serveDiagnosticsRelay } from './diagnostics-relay.ts'
import { serveHeartbeat } from './heartbeat.ts'
import { serveInstallationProxy } from './installation-proxy.ts'
import { serveNotificationProxy } from './notification-proxy.ts'
import type { ServeService } from './service.ts'
import { serveSpringboard } from './springboard.ts'
import { serveSyslogRelay } from './syslog-relay.ts'

export interface Service {
  readonly needsSession: boolean
  readonly serve: ServeService
}

/** The small services, by the names that StartService knows them under. */
export const SERVICES: ReadonlyMap<string, Service> = new Map([
  ['com.apple.afc', { needsSession: true, serve: serveAfc }],
  ['com.apple.mobile.diagnostics_relay', { needsSession: true, serve: serveDiagnosticsRelay }],
  ['com.apple.mobile.heartbeat', { needsSession: true, serve: serveHeartbeat }],
  ['com.apple.mobile.insecure_notification_proxy', { needsSession: false, serve: serveNotificationProxy }],
  ['com.apple.mobile.installation_proxy', { needsSession: true, serve: serveInstallationProxy }],
  ['com.apple.mobile.notification_proxy', { needsSession: true, serve: serveNotificationProxy }],
  [
    'com.apple.mobilebackup2',
    { needsSession: true, serve: (channel, phone, options) => serveBackup(channel, phone.backup, options) },
  ],
  ['com.apple.springboardservices', { needsSession: true, serve: serveSpringboard }],
  ['com.apple.syslog_relay', { needsSession: true, serve: serveSyslogRelay }],
])
