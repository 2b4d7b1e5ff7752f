import assert from 'node:assert/strict'
import { NEVER } from '../../base/abort.ts'
import type { ByteChannel } from '../../base/channel.ts'
import type { Plist, PlistDict } from '../../plist/index.ts'
import { arrayOf, dictOf, encodeBinaryPlist, PlistReal, parsePlist } from '../../plist/index.ts'
import { framed } from './wire.ts'

const signal = NEVER
const process = (content: PlistDict) => ['DLMessageProcessMessage', content]

/** A phone's backup service, played by hand for tests: it says things, and hears messages. */
export class PlayedPhone {
  readonly channel: ByteChannel

  constructor(channel: ByteChannel) {
    this.channel = channel
  }

  async say(message: Plist, ...stream: readonly Uint8Array[]): Promise<void> {
    await this.channel.write([framed(encodeBinaryPlist(message)), ...stream], { signal })
  }

  /** The next message of the host. */
  async hear(): Promise<readonly Plist[]> {
    const size = Buffer.from(await this.channel.readExactly(4, { signal })).readUInt32BE()
    return arrayOf(parsePlist(await this.channel.readExactly(size, { signal }))) ?? []
  }

  /** Says something and gives the host's answer. */
  async ask(message: Plist, ...stream: readonly Uint8Array[]): Promise<readonly Plist[]> {
    await this.say(message, ...stream)
    return await this.hear()
  }

  /** The version exchange and Hello of docs/protocol/mobilebackup2.md. */
  async greet(): Promise<void> {
    assert.deepEqual(await this.ask(['DLMessageVersionExchange', 400, 0]), [
      'DLMessageVersionExchange',
      'DLVersionsOk',
      400,
    ])
    await this.say(['DLMessageDeviceReady'])
    const [name, hello] = await this.hear()
    assert.equal(name, 'DLMessageProcessMessage')
    const { MessageName, SupportedProtocolVersions } = dictOf(hello) ?? {}
    assert.equal(MessageName, 'Hello')
    assert.deepEqual(SupportedProtocolVersions, [new PlistReal(2), new PlistReal(2.1)])
    await this.say(process({ MessageName: 'Response', ErrorCode: 0, ProtocolVersion: new PlistReal(2.1) }))
  }

  /** The host's request after the greeting. */
  async hearRequest(): Promise<PlistDict> {
    const [name, request] = await this.hear()
    assert.equal(name, 'DLMessageProcessMessage')
    return dictOf(request) ?? {}
  }

  async respond(errorCode: number, description?: string): Promise<void> {
    const text = description === undefined ? {} : { ErrorDescription: description }
    await this.say(process({ MessageName: 'Response', ErrorCode: errorCode, ...text }))
  }
}
