import { pathOf } from '../backend/backend.ts'
import type { CheckFinding } from './check-report.ts'
import type { TreeFault } from './hurt-trees.ts'
import type { PackFault } from './pack-survey.ts'

const ORPHAN = 'No index lists this pack; an interrupted run left it, and the next one takes it over'
const MARKED = 'Another program has marked this pack for deletion; its next prune removes it'

/** What a fault of an index or a pack means, in words. */
export function findingOfPack(fault: PackFault): CheckFinding {
  switch (fault.kind) {
    case 'index-damaged':
      return {
        kind: fault.kind,
        severity: 'damage',
        subject: indexPath(fault),
        sentence: sentenceOf(indexPath(fault), fault.error),
      }
    case 'index-duplicate': {
      const sentence = `The pack ${fault.packId} is listed in another index file as well`
      return { kind: fault.kind, severity: 'hint', subject: indexPath(fault), sentence }
    }
    case 'index-conflict': {
      const sentence = `The pack ${fault.packId} is listed with other contents in another index file`
      return { kind: fault.kind, severity: 'damage', subject: indexPath(fault), sentence }
    }
    case 'pack-missing': {
      const sentence = 'An index lists this pack, but it is gone'
      return { kind: fault.kind, severity: 'damage', subject: packPath(fault), sentence }
    }
    case 'pack-size': {
      const sentence = `It has ${fault.sizeBytes} bytes instead of ${fault.listedBytes}`
      return { kind: fault.kind, severity: 'damage', subject: packPath(fault), sentence }
    }
    case 'pack-unlisted': {
      const sentence = fault.isMarked ? MARKED : ORPHAN
      return { kind: 'pack-orphan', severity: 'hint', subject: packPath(fault), sentence }
    }
  }
}

/** As `findingOfPack`, for what was come across in the trees of a snapshot. */
export function findingOfTree(fault: TreeFault): CheckFinding {
  if (fault.kind === 'tree-damaged') {
    const subject = `tree ${fault.tree} (${fault.path})`
    return { kind: fault.kind, severity: 'damage', subject, sentence: messageOf(fault.error) }
  }
  const sentence = `No index lists this part of the file ${fault.path}`
  return { kind: fault.kind, severity: 'damage', subject: `blob ${fault.blob}`, sentence }
}

/** What an error says of a subject, without naming it again. */
export function sentenceOf(subject: string, error: unknown): string {
  const message = messageOf(error)
  return message.startsWith(`${subject}: `) ? message.slice(subject.length + 2) : message
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function indexPath({ indexId }: Extract<PackFault, { readonly indexId: unknown }>): string {
  return pathOf({ kind: 'index', id: indexId })
}

function packPath({ packId }: Extract<PackFault, { readonly packId: unknown }>): string {
  return pathOf({ kind: 'pack', id: packId })
}
