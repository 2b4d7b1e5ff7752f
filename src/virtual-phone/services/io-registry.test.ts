import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrayOf, dictOf, textOf } from '../../plist/index.ts'
import { MODELS } from '../identity/models.ts'
import { createServicePhone } from '../testing/service-host.ts'
import { findInRegistry, parseRegistryQuery } from './io-registry.ts'
import type { ServicePhone } from './service.ts'

const find = (request: { readonly [key: string]: string }, phone = createServicePhone().phone) =>
  findInRegistry(parseRegistryQuery(request), phone)

function phoneOfModel(productType: string): ServicePhone {
  const { phone } = createServicePhone()
  const [model] = MODELS
  assert.ok(model)
  return { ...phone, identity: { ...phone.identity, model: { ...model, productType } } }
}

for (const [productType, name, other] of [
  ['iPhone9,3', 'AppleARMPMUCharger', 'AppleSmartBattery'],
  ['iPhone10,4', 'AppleSmartBattery', 'AppleARMPMUCharger'],
  ['iPad14,1', 'AppleSmartBattery', 'AppleARMPMUCharger'],
] as const) {
  test(`the battery of ${productType} goes by ${name}, and by its class`, () => {
    const phone = phoneOfModel(productType)
    assert.equal(find({ EntryName: name, EntryClass: '' }, phone)?.CurrentCapacity, 80)
    assert.equal(find({ EntryName: other, EntryClass: '' }, phone), undefined)
    assert.equal(find({ EntryClass: 'IOPMPowerSource' }, phone)?.CurrentCapacity, 80)
  })
}

for (const [ios, where] of [
  ['18.5', undefined],
  ['27.0', 'BatteryData'],
] as const) {
  test(`iOS ${ios} tells the battery's capacities ${where === undefined ? 'openly' : `in ${where}`}`, () => {
    const battery = find({ EntryClass: 'IOPMPowerSource' }, createServicePhone({ ios }).phone)
    const capacities = where === undefined ? battery : dictOf(battery?.[where])
    assert.equal(capacities?.DesignCapacity, 3349)
    assert.equal(battery?.DesignCapacity, where === undefined ? 3349 : undefined)
  })
}

test('the Wi-Fi interface is found by name and by class', () => {
  for (const request of [{ EntryName: 'AppleBCMWLANSkywalkInterface' }, { EntryClass: 'IO80211Interface' }]) {
    assert.equal(find(request)?.IOLinkStatus, 3)
  }
})

test('a plane is a tree of names, and the device tree is not shown', () => {
  const root = find({ CurrentPlane: 'IOService' })
  const board = dictOf(arrayOf(root?.IORegistryEntryChildren)?.[0])
  const names = arrayOf(board?.IORegistryEntryChildren)?.map((entry) => textOf(dictOf(entry)?.IORegistryEntryName))
  assert.deepEqual(names, ['AppleSmartBattery', 'AppleBCMWLANSkywalkInterface'])
  assert.equal(find({ CurrentPlane: 'IODeviceTree' }), undefined)
})
