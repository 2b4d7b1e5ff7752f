import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHECKS } from '../checks.ts'
import type { CheckId } from '../finding.ts'
import { madeFacts, type Tellings } from './made-facts.ts'

export const FAILED = { unread: 'link' } as const
export const ODD = { unread: 'odd' } as const

/** `ok`, `unknown`, `asked <question>`, or `<cause> <certainty>` for each problem. */
type Expected = string

function said(check: CheckId, tellings: Tellings): Expected {
  return CHECKS[check](madeFacts(tellings))
    .map((finding) => {
      if (finding.status === 'problem') return `${finding.cause} ${finding.certainty}`
      return finding.status === 'asked' ? `asked ${finding.question}` : finding.status
    })
    .join(', ')
}

export function evidenceOf(check: CheckId, tellings: Tellings): readonly string[] {
  const findings = CHECKS[check](madeFacts(tellings))
  return findings.flatMap(({ evidence }) => evidence.map(({ message }) => message.key.replace('evidence.', '')))
}

/** Each with a name, the facts, and what the check says. */
export function claim(check: CheckId, cases: readonly (readonly [string, Tellings, Expected])[]): void {
  for (const [name, tellings, expected] of cases) {
    test(`${check}: ${name}: ${expected}`, () => assert.equal(said(check, tellings), expected))
  }
}
