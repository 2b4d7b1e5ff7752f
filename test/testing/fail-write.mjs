// Loaded before the command: its n-th write to an open file fails. `PHONEKEEP_TEST_FAIL_WRITE` is `<n> <name of the error>`.
import { open } from 'node:fs/promises'
import { constants } from 'node:os'
import { isMainThread } from 'node:worker_threads'

const [nth, code] = process.env.PHONEKEEP_TEST_FAIL_WRITE.split(' ')
const file = await open('/dev/null')
const prototype = Object.getPrototypeOf(file)
await file.close()
const { write } = prototype
let writes = 0
prototype.write = async function (...args) {
  if (isMainThread && ++writes === Number(nth)) {
    throw Object.assign(new Error(`${code}: injected, write`), {
      code,
      errno: -constants.errno[code],
      syscall: 'write',
    })
  }
  return await write.apply(this, args)
}
