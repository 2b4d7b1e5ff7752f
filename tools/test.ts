import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { ensureDebianPackages } from './debian-packages.ts'

/**
 * Runs all tests: `npm test`, or `npm test -- 'src/plist/**'` for some of them. Where CI is set, a skipped or to-do test is a
 * failure: a check that did not happen has not passed.
 */
/** A file of tests that hangs is ended, and fails; those of the night may take longer. */
const TEST_MS_MAX = Number(process.env.PHONEKEEP_TEST_MINUTES ?? 15) * 60 * 1000

const SUITES = ['src/**/*.test.ts', 'tools/**/*.test.ts', 'test/**/*.test.ts']

if (!ensureDebianPackages()) process.exit(1)
// Every test file, and every command that a test starts, is a process of its own: they need not all compile the same modules.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url))

const named = process.argv.slice(2)
const tests = run({ globPatterns: named.length > 0 ? named : SUITES, concurrency: 2, timeout: TEST_MS_MAX })
tests.on('test:summary', ({ file, counts, success }) => {
  if (file !== undefined) return
  const notRun = counts.skipped + counts.todo + counts.cancelled
  const mustAllRun = process.env.CI !== undefined && notRun > 0
  if (mustAllRun) process.stderr.write(`${notRun} tests did not run, which is a failure in CI\n`)
  if (!success || mustAllRun || counts.tests === 0) process.exitCode = 1
})
tests.compose(new spec()).pipe(process.stdout)
