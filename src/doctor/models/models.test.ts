import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deviceClassOf, MODELS, modelNamed, modelNameIn, modelOf, RESTART_FAMILIES } from './models.ts'

test('every model is there once, with a name and a version that parses', () => {
  assert.ok(MODELS.length >= 179)
  assert.equal(new Set(MODELS.map(({ type }) => type)).size, MODELS.length)
  for (const { type, name, lastIos } of MODELS) {
    assert.match(type, /^(iPhone|iPad|iPod)\d{1,2},\d{1,2}$/)
    assert.match(name, new RegExp(`^${deviceClassOf(type)}`))
    if (lastIos !== undefined) assert.match(lastIos, /^\d{1,2}(\.\d{1,2}){0,2}$/, type)
  }
})

test('every family of buttons has models, and iPads have the buttons of iPads', () => {
  for (const family of RESTART_FAMILIES)
    assert.ok(
      MODELS.some(({ restart }) => restart === family),
      family,
    )
  for (const { type, restart } of MODELS)
    assert.equal(restart.startsWith('ipad-'), deviceClassOf(type) === 'iPad', type)
})

test('a model is found by its identifier', () => {
  assert.deepEqual(modelOf('iPhone10,6'), {
    type: 'iPhone10,6',
    name: 'iPhone X (GSM)',
    restart: 'faceid',
    lastIos: '16.7.16',
  })
  assert.equal(modelOf('iPhone14,6').restart, 'home-8')
  assert.equal(modelOf('iPhone14,6').lastIos, undefined)
})

test('a model newer than the table has its identifier for a name, and the buttons of the newest', () => {
  assert.deepEqual(modelOf('iPhone21,3'), {
    type: 'iPhone21,3',
    name: 'iPhone21,3',
    restart: 'faceid',
    lastIos: undefined,
  })
  assert.equal(modelOf('iPad21,3').restart, 'ipad-nohome')
  assert.equal(modelOf('').restart, 'foldable-unsure')
})

test('a model is found by the name that people know', () => {
  assert.equal(modelNamed('iphone 13')?.type, 'iPhone14,5')
  assert.equal(modelNamed(' iPhone 11')?.type, 'iPhone12,1')
  assert.equal(modelNamed('iPhone SE (3rd generation)')?.type, 'iPhone14,6')
  assert.equal(modelNamed('iPad Pro 11-inch (M4)')?.restart, 'ipad-nohome')
  assert.equal(modelNamed('iPhone14,5')?.name, 'iPhone 13')
  assert.equal(modelNamed('iPhone SE (3. Generation)')?.type, 'iPhone14,6')
  assert.equal(modelNamed('Nokia 3310'), undefined)
  assert.equal(modelNamed(''), undefined)
})

test('a generation is counted as the language counts', () => {
  assert.equal(modelNameIn('de', 'iPhone14,6'), 'iPhone SE (3. Generation)')
  assert.equal(modelNameIn('en', 'iPhone14,6'), 'iPhone SE (3rd generation)')
  assert.equal(modelNameIn('de', 'iPhone14,5'), 'iPhone 13')
  assert.ok(MODELS.every(({ type }) => !/\bgen\b/.test(modelNameIn('de', type))))
})
