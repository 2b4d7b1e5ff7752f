import type { BackupEvent } from '../device/index.ts'
import { formatDuration } from './words.ts'

/** Tells a person what a phone does between two of its words, and what it waits for; of other events it says nothing. */
export function narrateWaiting(name: string, say: (sentence: string) => void): (event: BackupEvent) => void {
  let passcode: 'unasked' | 'asked' | 'done' = 'unasked'

  return (event) => {
    switch (event.kind) {
      case 'passcode-asked':
        passcode = 'asked'
        return say(`Enter the passcode on ${name}.`)
      case 'passcode-done':
        passcode = 'done'
        return
      case 'passcode-likely':
        if (passcode === 'unasked') say(`If ${name} asks for its passcode, enter it.`)
        return
      case 'quiet':
        return passcode === 'asked' ? sayWaits(event.ms) : sayPrepares(event.ms)
      case 'cancel-asked':
        return say(`Somebody tapped cancel on ${name}.`)
      case 'went-without':
        return say(`Going on without ${event.what}: ${event.because}.`)
    }
  }

  function sayWaits(ms: number): void {
    if (ms >= A_MINUTE_MS) say(`${name} still waits for its passcode (${formatDuration(ms)}).`)
  }

  function sayPrepares(ms: number): void {
    if (ms < A_MINUTE_MS) say(`${name} is preparing, this can take minutes.`)
    else say(`${name} is still preparing (${formatDuration(ms)}); on a full phone that is usual.`)
  }
}

const A_MINUTE_MS = 60_000
