import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { appError, onAbort, seededRandom, systemClock } from '../../../lib/base/index.ts'
import { type Exchange, httpServer, type Route, sendEmpty, sendJson, sendTagged } from '../../../lib/http/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { consoleRoutes } from '../../../services/manager/console-files.ts'

/** What the manager answers to one call. */
export interface Recorded {
  readonly status?: number
  readonly body?: unknown
  /** Events of a stream that stays open. */
  readonly events?: readonly (readonly [name: string, data: unknown])[]
  /** No answer comes. */
  readonly never?: boolean
}

/** What a page says in every language: words of the answers, how many rows each table has, and how often it says that there is nothing. */
export interface Shown {
  readonly texts: readonly string[]
  readonly rows: readonly number[]
  readonly notes: number
}

/** A page in one of its states: where it is, and what the manager answers there. */
export interface Act {
  readonly name: string
  readonly page: string
  /** By method and path. */
  readonly answers: Readonly<Record<string, Recorded>>
  /** What of that somebody finds on the page. */
  readonly shows?: Shown
}

const folder = join(import.meta.dirname, '..', '..', 'e2e', 'console', 'answers')

/** All pages in all their states. */
export async function everyAct(): Promise<readonly Act[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json')).toSorted()
  return files.map((file) => {
    const act = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Omit<Act, 'name'>
    return { ...act, name: basename(file, '.json') }
  })
}

/** A manager whose API answers what was recorded, with the real files of the console before it. */
export interface Stage extends AsyncDisposable {
  readonly url: string
  /** From now on it answers so. */
  show(act: Pick<Act, 'answers'>): void
  /** Calls since then that were not recorded, by method and path. */
  readonly unknown: readonly string[]
}

function answer(
  exchange: Exchange,
  { status = 200, body, events, never = false }: Recorded,
): Promise<void> | undefined {
  const { res, signal } = exchange
  if (!never && events === undefined) {
    if (exchange.method === 'GET' && status === 200) sendTagged(exchange, body as object)
    else if (status === 204) sendEmpty(exchange, status)
    else sendJson(exchange, status, body)
    return undefined
  }
  const over = new Promise<void>((resolve) => {
    res.once('close', resolve)
    onAbort(signal, resolve)
  })
  if (events !== undefined) {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    for (const [name, data] of events) res.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
  }
  return over
}

export async function startStage({ console: built }: { readonly console: string }): Promise<Stage> {
  let answers: Act['answers'] = {}
  const unknown: string[] = []
  const api: Route = {
    ...{
      methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      path: '/api/v1/*rest',
      right: 'none',
      summary: 'recorded',
    },
    async handle(exchange) {
      const call = `${exchange.method} ${exchange.path}`
      const recorded = answers[call]
      if (recorded === undefined) {
        unknown.push(call)
        throw appError('NOT_FOUND')
      }
      await answer(exchange, recorded)
    },
  }
  const server = httpServer(
    {
      ...{ logger: silentLogger(), metrics: silentMetrics(), clock: systemClock(), random: seededRandom(1) },
      authenticate: () => ({ name: 'anonymous', rights: [] }),
    },
    {
      ...{ name: 'http', bind: { host: '127.0.0.1', port: 0 }, drainMs: 0 },
      routes: [api, ...consoleRoutes({ folder: built })],
    },
  )
  await server.start()
  return {
    url: server.url,
    unknown,
    show(act) {
      answers = act.answers
      unknown.length = 0
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
}
