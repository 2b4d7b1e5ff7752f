import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { phonekeep, startPhonekeep } from '../testing/phonekeep.ts'
import { restic } from '../testing/restic.ts'
import { PASSWORD } from '../testing/world.ts'

/** `npm run test:large` runs the sizes that are promised: they need an hour and 12 GB of disk. */
const IS_LARGE = process.env.PHONEKEEP_TEST_LARGE !== undefined
const REPORTER = fileURLToPath(new URL('../testing/report-memory.mjs', import.meta.url))

interface LargePhone {
  readonly name: string
  readonly files: number
  readonly bytes: string
  readonly mebibytesMax: number
  readonly manifestBytes?: number
}

const PHONES: readonly LargePhone[] = IS_LARGE
  ? [
      { name: '200,000 small files', files: 200_000, bytes: '400MiB', mebibytesMax: 400 },
      { name: 'a single file of 6 GiB', files: 1, bytes: '6GiB', mebibytesMax: 400 },
      {
        name: '1,300,000 files and a Manifest.db of 1.5 GB',
        files: 1_300_000,
        bytes: '400MiB',
        mebibytesMax: 512,
        manifestBytes: 1_500_000_000,
      },
    ]
  : [
      { name: '20,000 small files', files: 20_000, bytes: '60MiB', mebibytesMax: 400 },
      { name: 'a single file of 600 MiB', files: 1, bytes: '600MiB', mebibytesMax: 400 },
    ]

for (const { name, files, bytes, mebibytesMax, manifestBytes = 0 } of PHONES) {
  test(`a phone with ${name} is backed up, twice, in less than ${mebibytesMax} MiB`, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-memory-'))
    const at = (part: string) => join(folder.path, part)
    await writeFile(
      at('faults'),
      JSON.stringify({ faults: [{ do: 'large-manifest', bytes: manifestBytes, times: 2 }] }),
    )
    const contents = ['--files', String(files), '--bytes', bytes, '--faults', at('faults')]
    const phone = startPhonekeep(['virtual-phone', '--listen', '127.0.0.1:0', ...contents], {})
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
        const { files: stored, sentBytes } = JSON.parse(out)
        assert.equal(stored, files + 4)
        assert.ok(sentBytes >= manifestBytes)
        const most = Number(await readFile(at('memory'), 'utf8'))
        assert.ok(most > 0 && most < mebibytesMax * 2 ** 20, `the ${run} backup took ${Math.round(most / 2 ** 20)} MiB`)
      }
      await restic(at('repository'), 'check')
    } finally {
      phone.child.kill()
      await phone.finished
    }
  })
}
