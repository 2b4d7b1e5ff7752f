import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempDisposable, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { phonekeep, startPhonekeep } from '../testing/phonekeep.ts'
import { restic } from '../testing/restic.ts'
import { PASSWORD } from '../testing/world.ts'

/** `npm run test:large` runs the sizes that are promised: they need ten minutes and 8 GB of disk. */
const IS_LARGE = process.env.PHONEKEEP_TEST_LARGE !== undefined
const MEMORY_BYTES_MAX = 400 * 2 ** 20
const REPORTER = fileURLToPath(new URL('../testing/report-memory.mjs', import.meta.url))

const PHONES = IS_LARGE
  ? [
      { name: '200,000 small files', files: '200000', bytes: '400MiB' },
      { name: 'a single file of 6 GiB', files: '1', bytes: '6GiB' },
    ]
  : [
      { name: '20,000 small files', files: '20000', bytes: '60MiB' },
      { name: 'a single file of 600 MiB', files: '1', bytes: '600MiB' },
    ]

for (const { name, files, bytes } of PHONES) {
  test(`a phone with ${name} is backed up, twice, in less than 400 MiB`, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-memory-'))
    const at = (part: string) => join(folder.path, part)
    const phone = startPhonekeep(['virtual-phone', '--listen', '127.0.0.1:0', '--files', files, '--bytes', bytes], {})
    try {
      assert.ok(phone.child.stdout)
      const [line] = await once(createInterface(phone.child.stdout), 'line')
      const env = {
        USBMUXD_SOCKET_ADDRESS: JSON.parse(line).address,
        RESTIC_REPOSITORY: at('repository'),
        RESTIC_PASSWORD: PASSWORD,
        PHONEKEEP_STATE: at('state'),
        NODE_OPTIONS: `--import ${REPORTER}`,
        REPORT_MEMORY_TO: at('memory'),
      }
      assert.equal((await phonekeep(['init'], env)).exitCode, 0)
      for (const run of ['full', 'incremental']) {
        const { exitCode, err, out } = await phonekeep(['backup', '--json'], env)
        assert.equal(exitCode, 0, err)
        assert.equal(JSON.parse(out).files, Number(files) + 4)
        const most = Number(await readFile(at('memory'), 'utf8'))
        assert.ok(most > 0 && most < MEMORY_BYTES_MAX, `the ${run} backup took ${Math.round(most / 2 ** 20)} MiB`)
      }
      await restic(at('repository'), 'check')
    } finally {
      phone.child.kill()
      await phone.finished
    }
  })
}
