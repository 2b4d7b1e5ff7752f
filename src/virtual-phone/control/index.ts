export { openCable } from './cable.ts'
export type { Cable } from './commands.ts'
export { type Control, type ControlOptions, openControl } from './server.ts'
