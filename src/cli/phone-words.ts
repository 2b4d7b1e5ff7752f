import type { BackupEvent } from '../device/index.ts'
import { formatDuration } from './words.ts'

/** Turns what a phone does between two of its words into what a person reads; undefined when there is nothing to say. */
export function narrateWaiting(name: string): (event: BackupEvent) => string | undefined {
  let passcode: 'unasked' | 'asked' | 'done' = 'unasked'

  return (event) => {
    switch (event.kind) {
      case 'passcode-asked':
        passcode = 'asked'
        return `Enter the passcode on ${name}.`
      case 'passcode-done':
        passcode = 'done'
        return undefined
      case 'passcode-likely':
        return passcode === 'unasked' ? `If ${name} asks for its passcode, enter it.` : undefined
      case 'quiet':
        return passcode === 'asked' ? waits(name, event.ms) : prepares(name, event.ms)
      case 'cancel-asked':
        return `Somebody tapped cancel on ${name}.`
      case 'went-without':
        return `Going on without ${event.what}: ${event.because}.`
      default:
        return undefined
    }
  }
}

const A_MINUTE_MS = 60_000

function waits(name: string, ms: number): string | undefined {
  return ms < A_MINUTE_MS ? undefined : `${name} still waits for its passcode (${formatDuration(ms)}).`
}

function prepares(name: string, ms: number): string {
  if (ms < A_MINUTE_MS) return `${name} is preparing, this can take minutes.`
  return `${name} is still preparing (${formatDuration(ms)}); on a full phone that is usual.`
}
