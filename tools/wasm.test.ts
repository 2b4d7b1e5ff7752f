import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildModule, readModule } from './wasm.ts'

test('the WebAssembly module that is checked in is what its source makes (else: `npm run build:wasm`)', async () => {
  assert.ok(Buffer.from(await buildModule()).equals(await readModule()))
})
