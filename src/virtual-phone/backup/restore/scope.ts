import type { RestoreRequest } from './request.ts'

/** Whether a domain is restored at all. What is outside is neither written nor removed. */
export type Scope = (domain: string) => boolean

/** `backupClass` and `phoneClass` are DeviceClass values, as `iPhone`. Source: docs/protocol/mobilebackup2.md#what-is-restored */
export function scopeOf(
  { apps, systemFiles }: Pick<RestoreRequest, 'apps' | 'systemFiles'>,
  { backupClass, phoneClass }: { backupClass: string | undefined; phoneClass: string | undefined },
): Scope {
  if (apps !== undefined) return (domain) => apps.some((bundleId) => belongsTo(bundleId, domain))
  const all = backupClass === undefined ? systemFiles : backupClass === phoneClass
  return all ? () => true : (domain) => NOT_SYSTEM.test(domain)
}

/** Apps, their groups and plugins, and containers that several programs share. */
const NOT_SYSTEM = /^(AppDomain|AppDomainGroup|AppDomainPlugin|SysSharedContainerDomain)-/

function belongsTo(bundleId: string, domain: string): boolean {
  const own = [`AppDomain-${bundleId}`, `AppDomainGroup-group.${bundleId}`]
  return own.includes(domain) || domain.startsWith(`AppDomainPlugin-${bundleId}.`)
}
