import { DatabaseSync } from 'node:sqlite'
import { type SeededRandom, seededRandom } from '../../base/random.ts'
import { seededBytes } from './bytes.ts'

/** Opens a database of messages like the one of a phone: pages of 4 KiB, indexes, words and binary properties; made if it is not there. */
export function openMessages(file: string): DatabaseSync {
  const database = new DatabaseSync(file)
  database.exec(`
    pragma cache_size = -1000000;
    pragma journal_mode = off;
    pragma synchronous = off;
    create table if not exists message (
      id integer primary key, guid text unique, text text, handle integer, date integer, read integer, properties blob);
    create table if not exists chat_message (chat integer, message integer, date integer, primary key (chat, message)) without rowid;
    create index if not exists message_handle on message (handle, date);
    create index if not exists message_read on message (read, date);
  `)
  return database
}

/** Adds messages until the file has about that many bytes. */
export function fillMessages(database: DatabaseSync, { bytes, seed }: { bytes: number; seed: number }): void {
  const add = inserter(database, seededRandom(seed))
  const { page_size: pageBytes } = database.prepare('pragma page_size').get() ?? {}
  const pages = database.prepare('pragma page_count')
  inTransaction(database, () => {
    while (Number(pages.get()?.page_count) * Number(pageBytes) < bytes) for (let n = 0; n < 500; n++) add()
  })
}

/** What a day does to the messages: some come, some are read. */
export function changeMessages(
  database: DatabaseSync,
  { inserts, updates, seed }: { inserts: number; updates: number; seed: number },
): void {
  const random = seededRandom(seed)
  const add = inserter(database, random)
  const update = database.prepare('update message set read = read + 1, date = ? where id = ?')
  inTransaction(database, () => {
    const messages = Number(database.prepare('select max(id) as id from message').get()?.id)
    for (let n = 0; n < inserts; n++) add()
    for (let n = 0; n < updates; n++) update.run(random.below(1e9), 1 + random.below(messages))
  })
}

/** Words and bytes that messages are cut from. */
const POOL_BYTES = 1 << 20
const POOL = seededBytes(7, POOL_BYTES)

function inserter(database: DatabaseSync, random: SeededRandom): () => void {
  const message = database.prepare(
    'insert into message (guid, text, handle, date, read, properties) values (?, ?, ?, ?, ?, ?)',
  )
  const link = database.prepare('insert into chat_message values (?, ?, ?)')
  const bytes = (size: number) => POOL.subarray(random.below(POOL_BYTES - 256)).subarray(0, size)
  const text = () => Array.from(bytes(4 + random.below(30)), (byte) => WORDS[byte % WORDS.length]).join(' ')
  let date = Number(database.prepare('select max(date) as date from message').get()?.date)
  return () => {
    date += 1 + random.below(100)
    const guid = `${random.below(2 ** 52).toString(16)}-${bytes(8).toString('hex')}`
    const properties = Buffer.concat([ALIKE, bytes(30 + random.below(40))])
    const { lastInsertRowid } = message.run(guid, text(), random.below(400), date, 0, properties)
    link.run(random.below(300), lastInsertRowid, date)
  }
}

/** The bytes that are alike in every message's properties. */
const ALIKE = Buffer.from('streamtyped NSMutableAttributedString NSString __kIMMessagePartAttributeName')

const WORDS =
  `the you and that have for not with this but what are from they say will one would there their about which when make
like time just know take people into year your good some could them see other than then now look only come over think also back after
use two how our work first well way even new want because any these give day most photo dinner tomorrow okay thanks`.split(
    /\s+/,
  )

function inTransaction(database: DatabaseSync, work: () => void): void {
  database.exec('begin')
  work()
  database.exec('commit')
}
