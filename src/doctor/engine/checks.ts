import { examineAccount } from './checks/account.ts'
import { examineBackOff } from './checks/back-off.ts'
import { examineClock } from './checks/clock.ts'
import { examineCopy } from './checks/copy.ts'
import { examineManagement } from './checks/management.ts'
import { examineModes } from './checks/modes.ts'
import { examineNetwork } from './checks/network.ts'
import { examineOwnPassword } from './checks/own-password.ts'
import { examineOwnReach } from './checks/own-reach.ts'
import { examineOwnRepository } from './checks/own-repository.ts'
import { examineOwnRoom } from './checks/own-room.ts'
import { examineOwnRuns } from './checks/own-runs.ts'
import { examineOwnTrust } from './checks/own-trust.ts'
import { examinePhoneStorage } from './checks/phone-storage.ts'
import { examinePower } from './checks/power.ts'
import { examineRestart } from './checks/restart.ts'
import { examineService } from './checks/service.ts'
import { examineSettings } from './checks/settings.ts'
import { examineSetup } from './checks/setup.ts'
import { examineStorage } from './checks/storage.ts'
import { examineSwitch } from './checks/switch.ts'
import { examineUpdate } from './checks/update.ts'
import { examineWifi } from './checks/wifi.ts'
import type { Facts } from './facts.ts'
import type { CheckId, Finding } from './finding.ts'

/** One finding or, where a check finds several causes, several. */
export type Check = (facts: Facts) => readonly Finding[]

/** All of them, in the order of the report. */
export const CHECKS: Readonly<Record<CheckId, Check>> = {
  switch: examineSwitch,
  wifi: examineWifi,
  power: examinePower,
  storage: examineStorage,
  service: examineService,
  account: examineAccount,
  restart: examineRestart,
  settings: examineSettings,
  update: examineUpdate,
  management: examineManagement,
  'phone-storage': examinePhoneStorage,
  clock: examineClock,
  modes: examineModes,
  network: examineNetwork,
  copy: examineCopy,
  'back-off': examineBackOff,
  setup: examineSetup,
  'own-reach': examineOwnReach,
  'own-trust': examineOwnTrust,
  'own-runs': examineOwnRuns,
  'own-room': examineOwnRoom,
  'own-repository': examineOwnRepository,
  'own-password': examineOwnPassword,
}

export function examine(facts: Facts): readonly Finding[] {
  return Object.values(CHECKS).flatMap((check) => check(facts))
}
