import { DatabaseSync } from 'node:sqlite'
import { type SeededRandom, seededRandom } from '../../base/random.ts'
import type { Place } from './entry.ts'
import { sentence } from './source.ts'

/** A database that apps of a real phone keep, cut down to tables and columns that readers of backups ask for. */
interface DatabaseRecipe extends Place {
  /** One INSERT a row; the values come from `row`. */
  readonly schema: (iosMajor: number) => string
  readonly rows: readonly RowRecipe[]
}

interface RowRecipe {
  readonly insert: (iosMajor: number) => string
  readonly values: (context: { id: number; random: SeededRandom }) => (string | number | null)[]
}

/** A database as bytes. Built by SQLite in memory; the same options give the same bytes with the same SQLite. */
export function buildDatabase(
  recipe: DatabaseRecipe,
  { seed, rows, iosMajor }: { seed: number; rows: number; iosMajor: number },
): Uint8Array {
  const random = seededRandom(seed)
  using database = new DatabaseSync(':memory:')
  database.exec(`PRAGMA page_size = 4096; BEGIN; ${recipe.schema(iosMajor)}`)
  for (const { insert, values } of recipe.rows) {
    const statement = database.prepare(insert(iosMajor))
    for (let id = 1; id <= rows; id++) statement.run(...values({ id, random }))
  }
  database.exec('COMMIT')
  return withoutWriterVersion(database.serialize())
}

/** Clears the two header fields that name the SQLite that wrote the file last; readers do not look at them. */
function withoutWriterVersion(bytes: Uint8Array): Uint8Array {
  return bytes.fill(0, 92, 100)
}

/** Seconds from 2001, Apple's epoch, for a time in the years before the virtual phone's last file. */
const cocoaSeconds = (random: SeededRandom) => 680_000_000 + random.below(110_000_000)

const NAMES = ['Ana', 'Björn', 'Chloé', 'Dmitri', 'Eun-ji', 'Fatima', 'Göksu', 'Hana', 'Ivo', 'José', '美咲', 'Zoë 🌻']
const phoneNumber = (random: SeededRandom) => `+1555${String(random.below(10_000_000)).padStart(7, '0')}`

function only(insert: string, values: RowRecipe['values']): readonly RowRecipe[] {
  return [{ insert: () => insert, values }]
}

const assetTable = (iosMajor: number) => (iosMajor < 14 ? 'ZGENERICASSET' : 'ZASSET')

/**
 * In order of importance: a phone with few files has the first of them.
 * Source: docs/protocol/mobilebackup2.md#how-a-phone-is-filled
 */
export const DATABASES: readonly DatabaseRecipe[] = [
  {
    domain: 'HomeDomain',
    relativePath: 'Library/SMS/sms.db',
    schema: () => `
      CREATE TABLE handle (ROWID INTEGER PRIMARY KEY, id TEXT NOT NULL, service TEXT NOT NULL);
      CREATE TABLE chat (ROWID INTEGER PRIMARY KEY, guid TEXT UNIQUE NOT NULL, style INTEGER, chat_identifier TEXT);
      CREATE TABLE message (ROWID INTEGER PRIMARY KEY, guid TEXT UNIQUE NOT NULL, text TEXT, attributedBody BLOB,
        handle_id INTEGER DEFAULT 0, service TEXT, date INTEGER, is_from_me INTEGER DEFAULT 0);
      CREATE TABLE chat_message_join (chat_id INTEGER, message_id INTEGER, PRIMARY KEY (chat_id, message_id));
      CREATE TABLE attachment (ROWID INTEGER PRIMARY KEY, guid TEXT UNIQUE NOT NULL, filename TEXT);
      INSERT INTO handle VALUES (1, '+15550000001', 'iMessage'), (2, '+15550000002', 'SMS');
      INSERT INTO chat VALUES (1, 'iMessage;-;+15550000001', 45, '+15550000001'), (2, 'SMS;-;+15550000002', 45, '+15550000002');`,
    rows: [
      {
        insert: () =>
          'INSERT INTO message (ROWID, guid, text, handle_id, service, date, is_from_me) VALUES (?, ?, ?, ?, ?, ?, ?)',
        values: ({ id, random }) => {
          const chat = 1 + random.below(2)
          const dateNs = cocoaSeconds(random) * 1_000_000_000
          const body = sentence(random, 3 + random.below(20))
          return [
            id,
            `M-${random.below(2 ** 48)}`,
            body,
            chat,
            chat === 1 ? 'iMessage' : 'SMS',
            dateNs,
            random.below(2),
          ]
        },
      },
      {
        insert: () => 'INSERT INTO chat_message_join VALUES (?, ?)',
        values: ({ id, random }) => [1 + random.below(2), id],
      },
    ],
  },
  {
    domain: 'HomeDomain',
    relativePath: 'Library/AddressBook/AddressBook.sqlitedb',
    schema: () => `
      CREATE TABLE ABPerson (ROWID INTEGER PRIMARY KEY, First TEXT, Last TEXT, Organization TEXT, Note TEXT, CreationDate INTEGER);
      CREATE TABLE ABMultiValue (UID INTEGER PRIMARY KEY, record_id INTEGER, property INTEGER, label INTEGER, value TEXT);
      CREATE TABLE ABMultiValueLabel (value TEXT, UNIQUE (value));`,
    rows: [
      {
        insert: () => 'INSERT INTO ABPerson VALUES (?, ?, ?, NULL, ?, ?)',
        values: ({ id, random }) => [
          id,
          random.pick(NAMES),
          `${random.pick(NAMES)}son`,
          sentence(random, 4),
          cocoaSeconds(random),
        ],
      },
      {
        insert: () => 'INSERT INTO ABMultiValue VALUES (?, ?, 3, 1, ?)',
        values: ({ id, random }) => [id, id, phoneNumber(random)],
      },
    ],
  },
  {
    domain: 'CameraRollDomain',
    relativePath: 'Media/PhotoData/Photos.sqlite',
    schema: (iosMajor) => `
      CREATE TABLE ${assetTable(iosMajor)} (Z_PK INTEGER PRIMARY KEY, ZDIRECTORY VARCHAR, ZFILENAME VARCHAR, ZUUID VARCHAR,
        ZDATECREATED TIMESTAMP, ZFAVORITE INTEGER, ZHIDDEN INTEGER, ZTRASHEDSTATE INTEGER, ZKIND INTEGER);
      CREATE TABLE ZGENERICALBUM (Z_PK INTEGER PRIMARY KEY, ZTITLE VARCHAR, ZKIND INTEGER);
      INSERT INTO ZGENERICALBUM VALUES (1, 'Summer', 2), (2, 'Documents', 2);`,
    rows: [
      {
        insert: (iosMajor) => `INSERT INTO ${assetTable(iosMajor)} VALUES (?, 'DCIM/100APPLE', ?, ?, ?, ?, 0, 0, 0)`,
        values: ({ id, random }) => [
          id,
          `IMG_${String(id).padStart(4, '0')}.HEIC`,
          `U-${random.below(2 ** 48)}`,
          cocoaSeconds(random),
          Number(random.below(20) === 0),
        ],
      },
    ],
  },
  {
    domain: 'AppDomainGroup-group.com.apple.notes',
    relativePath: 'NoteStore.sqlite',
    schema: () => `
      CREATE TABLE ZICCLOUDSYNCINGOBJECT (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, ZTITLE1 VARCHAR, ZSNIPPET VARCHAR, ZMODIFICATIONDATE1 TIMESTAMP);
      CREATE TABLE ZICNOTEDATA (Z_PK INTEGER PRIMARY KEY, ZNOTE INTEGER, ZDATA BLOB);`,
    rows: only('INSERT INTO ZICCLOUDSYNCINGOBJECT VALUES (?, 11, ?, ?, ?)', ({ id, random }) => [
      id,
      sentence(random, 3),
      sentence(random, 12),
      cocoaSeconds(random),
    ]),
  },
  {
    domain: 'HomeDomain',
    relativePath: 'Library/CallHistoryDB/CallHistory.storedata',
    schema: () => `
      CREATE TABLE ZCALLRECORD (Z_PK INTEGER PRIMARY KEY, ZADDRESS VARCHAR, ZDATE TIMESTAMP, ZDURATION FLOAT,
        ZORIGINATED INTEGER, ZANSWERED INTEGER, ZCALLTYPE INTEGER, ZSERVICE_PROVIDER VARCHAR);`,
    rows: only("INSERT INTO ZCALLRECORD VALUES (?, ?, ?, ?, ?, ?, 1, 'com.apple.Telephony')", ({ id, random }) => [
      id,
      phoneNumber(random),
      cocoaSeconds(random),
      random.below(3_600),
      random.below(2),
      random.below(2),
    ]),
  },
  {
    domain: 'HomeDomain',
    relativePath: 'Library/Calendar/Calendar.sqlitedb',
    schema: () => `
      CREATE TABLE Calendar (ROWID INTEGER PRIMARY KEY, store_id INTEGER, title TEXT);
      CREATE TABLE CalendarItem (ROWID INTEGER PRIMARY KEY, summary TEXT, start_date REAL, end_date REAL, all_day INTEGER, calendar_id INTEGER);
      INSERT INTO Calendar VALUES (1, 1, 'Home'), (2, 1, 'Work');`,
    rows: only('INSERT INTO CalendarItem VALUES (?, ?, ?, ?, 0, ?)', ({ id, random }) => {
      const startS = cocoaSeconds(random)
      return [id, sentence(random, 4), startS, startS + 3_600, 1 + random.below(2)]
    }),
  },
  {
    domain: 'HomeDomain',
    relativePath: 'Library/Safari/History.db',
    schema: () => `
      CREATE TABLE history_items (id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, visit_count INTEGER);
      CREATE TABLE history_visits (id INTEGER PRIMARY KEY, history_item INTEGER, visit_time REAL, title TEXT);`,
    rows: [
      {
        insert: () => 'INSERT INTO history_items VALUES (?, ?, 1)',
        values: ({ id, random }) => [id, `https://example.com/${id}/${random.below(2 ** 32)}`],
      },
      {
        insert: () => 'INSERT INTO history_visits VALUES (?, ?, ?, ?)',
        values: ({ id, random }) => [id, id, cocoaSeconds(random), sentence(random, 5)],
      },
    ],
  },
  {
    domain: 'AppDomainGroup-group.net.whatsapp.WhatsApp.shared',
    relativePath: 'ChatStorage.sqlite',
    schema: () => `
      CREATE TABLE ZWACHATSESSION (Z_PK INTEGER PRIMARY KEY, ZCONTACTJID VARCHAR, ZPARTNERNAME VARCHAR);
      CREATE TABLE ZWAMESSAGE (Z_PK INTEGER PRIMARY KEY, ZCHATSESSION INTEGER, ZISFROMME INTEGER, ZMESSAGEDATE TIMESTAMP, ZTEXT VARCHAR);
      INSERT INTO ZWACHATSESSION VALUES (1, '15550000001@s.whatsapp.net', 'Ana');`,
    rows: only('INSERT INTO ZWAMESSAGE VALUES (?, 1, ?, ?, ?)', ({ id, random }) => [
      id,
      random.below(2),
      cocoaSeconds(random),
      sentence(random, 2 + random.below(12)),
    ]),
  },
  {
    domain: 'HomeDomain',
    relativePath: 'Library/Voicemail/voicemail.db',
    schema: () =>
      'CREATE TABLE voicemail (ROWID INTEGER PRIMARY KEY, date INTEGER, sender TEXT, duration INTEGER, trashed_date INTEGER);',
    rows: only('INSERT INTO voicemail VALUES (?, ?, ?, ?, 0)', ({ id, random }) => [
      id,
      cocoaSeconds(random) + 978_307_200,
      phoneNumber(random),
      random.below(120),
    ]),
  },
  {
    domain: 'WirelessDomain',
    relativePath: 'Library/Databases/DataUsage.sqlite',
    schema: () =>
      'CREATE TABLE ZPROCESS (Z_PK INTEGER PRIMARY KEY, ZBUNDLENAME VARCHAR, ZPROCNAME VARCHAR, ZTIMESTAMP TIMESTAMP);',
    rows: only('INSERT INTO ZPROCESS VALUES (?, ?, ?, ?)', ({ id, random }) => [
      id,
      `com.example.app${id % 40}`,
      `process${id}`,
      cocoaSeconds(random),
    ]),
  },
]
