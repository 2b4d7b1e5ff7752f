import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBinaryPlist, encodeXmlPlist } from '../../../plist/index.ts'
import { MediaTree } from '../../services/afc/media-tree.ts'
import { stoppedClock } from '../../testing/stopped-clock.ts'
import { readRestoreApplications } from './restore-applications.ts'

const FOLDER = '/iTunesRestore'

function listing(bytes: Uint8Array): ReadonlySet<string> {
  const media = new MediaTree({ clock: stoppedClock() })
  media.makeFolder(FOLDER)
  media.makeFile(`${FOLDER}/RestoreApplications.plist`).bytes.write(0, bytes)
  return readRestoreApplications(media)
}

test('the list of apps is what a host wrote, binary or XML', () => {
  const list = { 'com.example.one': { iTunesMetadata: Buffer.from('x') }, 'com.example.two': {} }
  for (const bytes of [encodeXmlPlist(list), encodeBinaryPlist(list)]) {
    assert.deepEqual([...listing(bytes)], Object.keys(list))
  }
})

test('without a list, or without sense in it, there are no apps to install', () => {
  const media = new MediaTree({ clock: stoppedClock() })
  assert.equal(readRestoreApplications(media).size, 0)
  media.makeFolder(`${FOLDER}/RestoreApplications.plist`)
  assert.equal(readRestoreApplications(media).size, 0)
  assert.equal(listing(new Uint8Array(0)).size, 0)
  assert.equal(listing(encodeXmlPlist(['com.example.one'])).size, 0)
})
