import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemRefused } from './errors.ts'

const STATE = '/home/ana/.local/state/phonekeep'

function refusal(code: string, errno: number, path?: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: said by the system, write`), {
    code,
    errno,
    syscall: 'write',
    ...(path !== undefined && { path }),
  })
}

test('a full disk is told by its place, and a full state folder can be moved', () => {
  const state = systemRefused(refusal('ENOSPC', -28, `${STATE}/station-id`), STATE)
  assert.equal(state.code, 'cli.no-space')
  assert.match(state.message, /the state folder \/home\/ana\/\.local\/state\/phonekeep/)
  assert.match(state.remedy, /PHONEKEEP_STATE/)
  const other = systemRefused(refusal('EDQUOT', -122, '/mnt/report'), STATE)
  assert.match(other.message, /\/mnt\/report/)
  assert.doesNotMatch(other.remedy, /PHONEKEEP_STATE/)
})

for (const path of [`${STATE}/resume/x.json`, STATE, '/home/ana/.local']) {
  test(`${path}, which may not be written, stands in the way of the state folder`, () => {
    const { code, message, remedy } = systemRefused(refusal('EROFS', -30, path), STATE)
    assert.equal(code, 'cli.system')
    assert.match(message, /the state folder .*phonekeep.*read-only file system \(EROFS\)$/)
    assert.match(remedy, /PHONEKEEP_STATE/)
  })
}

test('another place is named alone, and without a place the system speaks', () => {
  const named = systemRefused(refusal('EACCES', -13, '/home/ana/.local/state/phonekeeper'), STATE)
  assert.equal(
    named.message,
    'The operating system refused /home/ana/.local/state/phonekeeper: permission denied (EACCES)',
  )
  assert.match(systemRefused(refusal('ECONNREFUSED', -111), STATE).message, /said by the system/)
})
