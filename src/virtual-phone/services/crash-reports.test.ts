import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { fromUtf8 } from '../../base/bytes.ts'
import { connectService, createServicePhone } from '../testing/service-host.ts'
import { serveCrashReportMover } from './crash-reports.ts'

test('the mover says ping when the reports are in place, and closes', async () => {
  await using mover = connectService(serveCrashReportMover, createServicePhone().phone)
  assert.equal(fromUtf8(await mover.channel.readExactly(5, { signal: NEVER })), 'ping\0')
  assert.equal(await mover.channel.readSome(1, { signal: NEVER }), undefined)
})

test('a report is a line of JSON about the crash, and a JSON text', () => {
  const { phone } = createServicePhone()
  const [name = ''] = [...phone.crashReports.root.children.keys()].filter((known) => known.startsWith('backupd-'))
  const { bytes } = phone.crashReports.findFile(name)
  const [head = '', ...body] = fromUtf8(bytes.read(0, bytes.size)).split('\n')
  assert.equal(JSON.parse(head).os_version, `iPhone OS 18.5 (${phone.identity.buildVersion})`)
  assert.equal(JSON.parse(body.join('\n')).modelCode, phone.identity.model.productType)
})
