import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../../base/errors.ts'
import { digestContents } from '../contents/index.ts'
import { badCommand } from '../errors.ts'
import { Fields, parseJsonFields } from '../fields.ts'
import { listenOn, portOf } from '../listen-on.ts'
import { COMMANDS, type Controlled } from './commands.ts'
import { Journal } from './journal.ts'
import { describePhone } from './state.ts'

/** A command is a few fields. */
const BODY_BYTES_MAX = 64 * 1024
const CONNECTIONS_MAX = 50

export interface ControlOptions extends Controlled {
  /** On 127.0.0.1; 0 or nothing: any free one. */
  readonly port?: number
  /** Aborting ends all connections, as disposing does. */
  readonly signal: AbortSignal
}

export interface Control extends AsyncDisposable {
  /** `http://127.0.0.1:1234` */
  readonly address: string
}

/**
 * Lets other programs of this machine see the phone and act as the person who holds it: `GET /state`, `GET /digest`, and
 * `POST` for every command, with JSON both ways. Anybody on this machine may; a web page in a browser here may not.
 * Throws `virtual-phone.not-listening`. It owns neither phone nor cable: dispose it first. Source: docs/virtual-phone.md
 */
export async function openControl({ port = 0, signal, ...controlled }: ControlOptions): Promise<Control> {
  signal.throwIfAborted()
  await using opened = new AsyncDisposableStack()
  const journal = opened.use(new Journal(controlled.phone))
  const closing = new AbortController()
  const serving = { controlled, journal, signal: AbortSignal.any([signal, closing.signal]) }
  const server = createServer({ requestTimeout: 30_000 }, (request, response) => serve(request, response, serving))
  server.maxConnections = CONNECTIONS_MAX
  opened.defer(() => void server.close())
  opened.defer(() => server.closeAllConnections())
  opened.defer(() => closing.abort(new Error('The control address was closed')))
  signal.addEventListener('abort', () => server.closeAllConnections(), { signal: closing.signal })
  await listenOn(server, { host: '127.0.0.1', port }, { signal })
  const rest = opened.move()
  return { address: `http://127.0.0.1:${portOf(server)}`, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}

interface Serving {
  readonly controlled: Controlled
  readonly journal: Journal
  readonly signal: AbortSignal
}

/** Never rejects: what goes wrong is answered, or has ended the connection. */
function serve(request: IncomingMessage, response: ServerResponse, serving: Serving): void {
  answer(request, response, serving).catch((error: unknown) => {
    if (response.headersSent) response.destroy()
    else if (error instanceof AppError) sendError(response, 400, error)
    else sendError(response, 500, badCommand(error instanceof Error ? error.message : String(error)))
  })
}

async function answer(request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  if (!isFromThisMachine(request)) return sendError(response, 403, badCommand('Web pages may not control the phone'))
  const { controlled, journal, signal } = serving
  const path = request.url ?? ''
  const isRead = path === '/state' || path === '/digest'
  const command = COMMANDS.get(path.slice(1))
  if (!isRead && command === undefined) return sendError(response, 404, badCommand(`There is no ${path}`))
  const method = isRead ? 'GET' : 'POST'
  if (request.method !== method) return sendError(response, 405, badCommand(`${path} wants ${method}`))
  if (path === '/digest') return await sendDigest(response, controlled, signal)
  if (command !== undefined) perform(command, await readFields(request), controlled)
  send(response, 200, describePhone(controlled, journal))
}

function perform(command: NonNullable<ReturnType<typeof COMMANDS.get>>, fields: Fields, controlled: Controlled): void {
  const act = command(fields, controlled)
  fields.end()
  act()
}

/**
 * Browsers say where a request comes from, and which name they looked up: a page of another origin, or of a name that was bent
 * to this address, is told apart by it. Other programs send neither Origin nor Sec-Fetch-Site.
 */
function isFromThisMachine({ headers, socket }: IncomingMessage): boolean {
  const names = ['127.0.0.1', 'localhost'].map((name) => `${name}:${socket.localPort}`)
  const isFromPage = headers.origin !== undefined || headers['sec-fetch-site'] !== undefined
  return !isFromPage && names.includes(headers.host ?? '')
}

/** No body means no fields. */
async function readFields(request: IncomingMessage): Promise<Fields> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    if (!(piece instanceof Uint8Array)) throw badCommand('The request is not made of bytes')
    size += piece.length
    if (size > BODY_BYTES_MAX) throw badCommand(`The request is larger than ${BODY_BYTES_MAX} bytes`)
    pieces.push(piece)
  }
  const complain = (where: string, saw: string) => badCommand(`The request is wrong at ${where}: ${saw}`)
  const text = Buffer.concat(pieces).toString('utf8')
  return text === '' ? new Fields({}, { place: '', complain }) : parseJsonFields(text, complain)
}

/** One JSON line for every file, folder and link: equal phones give equal lines. */
async function sendDigest(response: ServerResponse, { phone }: Controlled, signal: AbortSignal): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  const lines = async function* () {
    for await (const entry of digestContents(phone.contents, { signal })) yield `${JSON.stringify(entry)}\n`
  }
  await pipeline(lines, response, { signal })
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
  response.end(`${JSON.stringify(body, undefined, 2)}\n`)
}

function sendError(response: ServerResponse, status: number, { code, message, remedy }: AppError): void {
  send(response, status, { error: { code, message, remedy } })
}
