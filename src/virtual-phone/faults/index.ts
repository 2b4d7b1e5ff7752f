export { type Fault, LOCKDOWN } from './fault.ts'
export { Faults, type FiredFault } from './faults.ts'
export { parseFault, parseFaultScript } from './script.ts'
