import { saw } from '../evidence.ts'
import type { Facts } from '../facts.ts'
import type { Finding } from '../finding.ts'
import { okByBackup } from './conclude.ts'

/** Nothing can tell that settings are tangled; they are what is left when all else was tried. */
export function examineSettings(facts: Facts): readonly Finding[] {
  const untold = { check: 'settings', status: 'unknown', evidence: [saw('settings-untold', [], {})] } as const
  return okByBackup(facts, 'settings') ?? [untold]
}
