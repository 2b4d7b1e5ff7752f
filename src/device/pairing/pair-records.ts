import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8 } from '../../base/bytes.ts'
import type { WaitOptions } from '../../base/channel.ts'
import { type AppError, isAppError, isSystemError } from '../../base/errors.ts'
import { replaceFile } from '../../base/replace-file.ts'
import { deviceError } from '../errors.ts'
import { parseUdid, udidOf } from '../udid.ts'
import type { Mux } from '../usbmux/mux.ts'
import { readPairRecordData, savePairRecordData } from '../usbmux/mux.ts'
import type { WifiAddress } from '../wifi/wifi-address.ts'
import { formatWifiAddress, parseWifiAddress } from '../wifi/wifi-address.ts'
import type { PairRecord } from './pair-record.ts'
import { badRecord, encodePairRecord, parsePairRecord } from './pair-record.ts'

/** Our own copies of pair records. Nothing ever removes one because a connection failed: that would cost a new Trust. */
export interface PairRecordStore {
  read(udid: string): Promise<PairRecord | undefined>
  save(udid: string, record: PairRecord): Promise<void>
  /** The UDIDs of all phones that there is a record of. */
  list(): Promise<readonly string[]>
  /** Where the phone was last proved to answer on Wi-Fi; only a hint for finding it again. */
  readAddress(udid: string): Promise<WifiAddress | undefined>
  saveAddress(udid: string, address: WifiAddress): Promise<void>
}

/** A pair record that may work, and whether it is in our own store. */
export interface Candidate {
  readonly record: PairRecord
  readonly isOurs: boolean
}

/** All pair records that may work for a phone. */
export interface PairRecords {
  /**
   * Ours first, then usbmuxd's if it is another one. Read lazily, so that usbmuxd is asked only when ours was no use. Throws
   * `device.bad-pair-record` for a damaged one of ours only after usbmuxd's.
   */
  candidates(udid: string, options: WaitOptions): AsyncIterable<Candidate>
  /** Keeps a record in our store, and gives usbmuxd a copy, so that other programs can use the phone too. */
  save(udid: string, record: PairRecord, options: WaitOptions): Promise<void>
  /** Keeps a record of usbmuxd's as ours. Usbmuxd's own stays as it is, with whatever else its maker wrote into it. */
  adopt(udid: string, record: PairRecord): Promise<void>
}

/** A household has a handful, an office some dozens. */
const PHONES_MAX = 1000
/** Real ones have 10 kB. */
const RECORD_BYTES_MAX = 2 ** 20

/**
 * Keeps records as `<UDID>.plist` in a folder, and addresses beside them as `<UDID>.address`: files of mode 0600, replaced in
 * one step. The folder is made when needed.
 */
export function pairRecordFolder(folder: string): PairRecordStore {
  return {
    read: async (udid) => readRecordFile(filePath(folder, udid, 'plist')),
    save: async (udid, record) => replaceFile(filePath(folder, udid, 'plist'), encodePairRecord(record)),
    list: () => listRecords(folder),
    readAddress: async (udid) => readAddressFile(filePath(folder, udid, 'address')),
    saveAddress: async (udid, address) =>
      replaceFile(filePath(folder, udid, 'address'), utf8(`${formatWifiAddress(address)}\n`)),
  }
}

export interface PairRecordPlaces {
  readonly store: PairRecordStore
  /** `deviceId` lets usbmuxd tell other programs which phone was paired. */
  readonly usbmuxd?: { readonly mux: Mux; readonly deviceId?: number }
}

/** Our store together with usbmuxd's, which a phone reached without usbmuxd does not have. */
export function pairRecordsOf({ store, usbmuxd }: PairRecordPlaces): PairRecords {
  return {
    async *candidates(udid, { signal }) {
      const own = await readUnlessDamaged(store, udid)
      if (own.record !== undefined) yield { record: own.record, isOurs: true }
      const data = usbmuxd === undefined ? undefined : await readPairRecordData(usbmuxd.mux, udid, { signal })
      const theirs = data === undefined ? undefined : parsePairRecord(data)
      if (theirs !== undefined && theirs.hostId !== own.record?.hostId) yield { record: theirs, isOurs: false }
      if (own.damage !== undefined) throw own.damage
    },
    async save(udid, record, { signal }) {
      await store.save(udid, record)
      if (usbmuxd !== undefined) await shareRecord(usbmuxd, { udid, record }, { signal })
    },
    adopt: (udid, record) => store.save(udid, record),
  }
}

/** Our records of these phones that are damaged: usbmuxd's may do instead, but a person should hear of it. */
export async function damagedRecords(store: PairRecordStore, udids: readonly string[]): Promise<readonly AppError[]> {
  const records = await Promise.all(udids.map((udid) => readUnlessDamaged(store, udid)))
  return records.map(({ damage }) => damage).filter((damage) => damage !== undefined)
}

async function readUnlessDamaged(
  store: PairRecordStore,
  udid: string,
): Promise<{ readonly record?: PairRecord | undefined; readonly damage?: AppError }> {
  try {
    return { record: await store.read(udid) }
  } catch (error) {
    if (!isAppError(error, 'device.bad-pair-record')) throw error
    return { damage: error }
  }
}

/** A usbmuxd that keeps no records is no reason to fail: ours is kept. */
async function shareRecord(
  { mux, deviceId }: NonNullable<PairRecordPlaces['usbmuxd']>,
  { udid, record }: { readonly udid: string; readonly record: PairRecord },
  { signal }: WaitOptions,
): Promise<void> {
  try {
    const device = deviceId === undefined ? {} : { deviceId }
    await savePairRecordData(mux, { udid, data: encodePairRecord(record), ...device }, { signal })
  } catch (error) {
    if (!isAppError(error, 'device.usbmuxd-refused')) throw error
  }
}

function filePath(folder: string, udid: string, kind: 'plist' | 'address'): string {
  return join(folder, `${parseUdid(udid)}.${kind}`)
}

async function listRecords(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(unlessMissing)
  const udids = (names ?? []).map((name) => /^(.+)\.plist$/.exec(name)?.[1]).filter((udid) => udid !== undefined)
  return udids.filter((udid) => udidOf(udid) === udid).slice(0, PHONES_MAX)
}

/** A file that holds something else than an address, by whomever, is as good as none. */
async function readAddressFile(path: string): Promise<WifiAddress | undefined> {
  const text = await readFile(path, 'latin1').catch(unlessMissing)
  return text === undefined ? undefined : parseWifiAddress(text)
}

function unlessMissing(error: unknown): undefined {
  if (!isSystemError(error, 'ENOENT')) throw error
}

/** A record that others on this machine could read is not used: whoever has it can talk to the phone. */
async function readRecordFile(path: string): Promise<PairRecord | undefined> {
  try {
    const found = await stat(path)
    if (!found.isFile() || found.size > RECORD_BYTES_MAX) throw badRecord(`cannot be what ${path} is`)
    if ((found.mode & 0o077) !== 0) throw unsafe(path, found.mode)
    return parsePairRecord(await readFile(path))
  } catch (error) {
    return unlessMissing(error)
  }
}

function unsafe(path: string, mode: number): Error {
  const saw = `The pair record ${path} can be read by other users (mode ${(mode & 0o777).toString(8)})`
  return deviceError('device.pair-record-unsafe', saw, {
    remedy: 'Give the file mode 600, or remove it and pair again',
  })
}
