export type { BackupAgent } from './backup/index.ts'
export { MISCHIEFS } from './backup/index.ts'
export {
  type Condition,
  type ConditionState,
  PASSCODE_SHEET_MS,
  type Power,
  REACTIONS,
  type Reaction,
} from './condition/index.ts'
export type { ContentsErrorCode, EntryDigest, PhoneApp } from './contents/index.ts'
export {
  digestContents,
  openEmptyContents,
  openFolderContents,
  openSeededContents,
  PhoneContents,
} from './contents/index.ts'
export { type Cable, type Control, type ControlOptions, openCable, openControl } from './control/index.ts'
export type { VirtualPhoneErrorCode } from './errors.ts'
export { type Fault, type FiredFault, parseFaultScript } from './faults/index.ts'
export type { Identity } from './identity/identity.ts'
export type { ListenAddress } from './listen-on.ts'
export type { Setting } from './lockdown/setting.ts'
export { parseSetting } from './lockdown/setting.ts'
export type { AddressLayout } from './mux/network-address.ts'
export type { MuxServer, MuxServerOptions } from './mux/server.ts'
export { openMuxServer } from './mux/server.ts'
export { PERSONALITIES, type Personality, type Trait } from './personality/index.ts'
export type { PhoneEvent, VirtualPhone, VirtualPhoneOptions } from './phone.ts'
export { openVirtualPhone } from './phone.ts'
export type { LogLevel, NewLogLine } from './services/log-line.ts'
export type { PowerNews } from './services/service.ts'
export { ADVERT_KINDS, type AdvertKind } from './wifi/names.ts'
export { openWifi, type WifiOptions, type WifiPhone } from './wifi/wifi.ts'
