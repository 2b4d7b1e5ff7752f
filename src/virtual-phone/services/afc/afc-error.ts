import type { AfcStatus } from './packet.ts'

/** Ends one request with a status other than ok; never leaves the AFC service. */
export class AfcError extends Error {
  readonly status: AfcStatus

  constructor(status: AfcStatus) {
    super(`AFC status ${status}`)
    this.status = status
  }
}
