import type { RunEvent } from '../run/index.ts'
import { narrateWaiting } from './phone-words.ts'
import type { Progress } from './terminal.ts'
import { amountOf, countOf, formatSize, sentence } from './words.ts'

/** Turns what a run tells into what a person reads. Silence is explained: a phone can be quiet for minutes. */
export function narrate(progress: Progress, name: string): (event: RunEvent) => void {
  let doing = `${name} prepares its backup`
  let bytesInAll: number | undefined
  let files = 0
  let bytes = 0
  const narrateOther = narrateWaiting(name, progress.say)
  const show = () => {
    const fraction = bytesInAll === undefined ? {} : { fraction: Math.min(1, bytes / bytesInAll) }
    progress.show({ doing, amount: amountOf(files, bytes), ...fraction })
  }

  return (event) => {
    switch (event.kind) {
      case 'started':
        if (event.resumes) progress.say('Going on where an interrupted run stopped.')
        break
      case 'adopted':
        if (event.packs > 0) progress.say(`Found ${countOf(event.blobs, 'blob')} that an interrupted run had stored.`)
        if (event.refused > 0)
          progress.say(`Left ${countOf(event.refused, 'damaged pack')} of an interrupted run alone.`)
        break
      case 'snapshot-damaged':
        progress.say(`Warning: ${sentence(event.error.message)}`)
        break
      case 'passcode-asked':
        narrateOther(event)
        doing = 'waiting for the passcode'
        break
      case 'passcode-done':
        narrateOther(event)
        doing = `${name} prepares its backup`
        break
      case 'space-asked':
        progress.say(roomSentence(event.freeBytes))
        doing = `${name} is sending`
        break
      case 'progress':
        // The phone tells its percentage between files only; in between, the bytes tell.
        if (event.percent > 0 && bytes > 0) bytesInAll = bytes / Math.min(1, event.percent / 100)
        break
      case 'received':
        bytes += event.bytes
        break
      case 'file-received':
        files += 1
        break
      case 'file-unreadable':
        progress.say(`${name} could not read ${JSON.stringify(event.devicePath)} (${event.text}).`)
        break
      case 'saving':
        doing = 'saving the snapshot'
        break
      case 'reading-back':
        doing = 'reading a sample back'
        break
      case 'left-behind':
        progress.say(`Warning: something could not be removed from the store. ${sentence(event.error.message)}`)
        break
      default:
        narrateOther(event)
    }
    show()
  }
}

/** Phones are told the largest number there is where neither the store nor an allowance sets an end. */
function roomSentence(freeBytes: number): string {
  if (freeBytes >= Number.MAX_SAFE_INTEGER) return 'The store does not say how much room it has.'
  return `Room for this backup: ${formatSize(freeBytes)}.`
}
