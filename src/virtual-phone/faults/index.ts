export type { BackupFault, Fault, FaultKind, FaultOf, LinkFault, OnLink, Side } from './fault.ts'
export { LOCKDOWN } from './fault.ts'
export { Faults, type FiredFault } from './faults.ts'
export { parseFault, parseFaultScript } from './script.ts'
