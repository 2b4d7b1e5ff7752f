import { bytesOf, numberOf, type PlistDict, textOf } from '../../plist/index.ts'
import type { MuxHub, ServeConnection } from './hub.ts'
import { type MuxResult, RESULT, swapPort } from './messages.ts'

/** What a command leads to: an answer, events from now on, or a connection to a phone. */
export type Outcome =
  | { readonly kind: 'answer'; readonly answer: PlistDict }
  | { readonly kind: 'listen'; readonly progName: string; readonly bundleId: string | undefined }
  | { readonly kind: 'connect'; readonly serve: ServeConnection; readonly signal: AbortSignal }

/** Carries out one command. Only `MessageType` is required of every one. Source: docs/protocol/usbmux.md#commands */
export function performCommand(command: PlistDict | undefined, hub: MuxHub): Outcome {
  if (command === undefined) return result(RESULT.badCommand)
  switch (textOf(command.MessageType)) {
    case 'Listen':
      return { kind: 'listen', progName: textOf(command.ProgName) ?? '', bundleId: textOf(command.BundleID) }
    case 'Connect':
      return connect(command, hub)
    case 'ListDevices':
      return answer({ DeviceList: hub.attachments.map((attachment) => hub.attachedEvent(attachment)) })
    case 'ListListeners':
      return answer({ ListenerList: listListeners(hub) })
    case 'ReadBUID':
      return answer({ BUID: hub.buid })
    case 'ReadPairRecord':
      return readPairRecord(command, hub)
    case 'SavePairRecord':
      return savePairRecord(command, hub)
    case 'DeletePairRecord':
      return deletePairRecord(command, hub)
    default:
      return result(RESULT.badCommand)
  }
}

export function result(number: MuxResult): Outcome {
  return answer({ MessageType: 'Result', Number: number })
}

function answer(message: PlistDict): Outcome {
  return { kind: 'answer', answer: message }
}

function connect(command: PlistDict, hub: MuxHub): Outcome {
  const attachment = hub.find(numberOf(command.DeviceID))
  const swapped = numberOf(command.PortNumber)
  if (attachment === undefined) return result(RESULT.badDevice)
  if (swapped === undefined) return result(RESULT.badCommand)
  const serve = attachment.phone.connect(swapPort(swapped))
  return serve === undefined ? result(RESULT.connectionRefused) : { kind: 'connect', serve, signal: attachment.signal }
}

function listListeners(hub: MuxHub): PlistDict[] {
  return hub.listeners.map(({ progName, bundleId }, index) => ({
    Blacklisted: false,
    ...(bundleId !== undefined && { BundleID: bundleId }),
    ConnType: 0,
    'ID String': `${index + 1}-${progName}`,
    ProgName: progName,
    kLibUSBMuxVersion: 3,
  }))
}

function readPairRecord(command: PlistDict, hub: MuxHub): Outcome {
  const id = textOf(command.PairRecordID)
  if (id === undefined) return result(RESULT.invalid)
  const record = hub.pairRecord(id)
  return record === undefined ? result(RESULT.badDevice) : answer({ PairRecordData: record })
}

function savePairRecord(command: PlistDict, hub: MuxHub): Outcome {
  const id = textOf(command.PairRecordID)
  const record = bytesOf(command.PairRecordData)
  if (id === undefined || record === undefined) return result(RESULT.invalid)
  const isSaved = hub.savePairRecord(id, record, { deviceId: numberOf(command.DeviceID) })
  return result(isSaved ? RESULT.ok : RESULT.invalid)
}

function deletePairRecord(command: PlistDict, hub: MuxHub): Outcome {
  const id = textOf(command.PairRecordID)
  if (id === undefined) return result(RESULT.invalid)
  return result(hub.deletePairRecord(id) ? RESULT.ok : RESULT.badDevice)
}
