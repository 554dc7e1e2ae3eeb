import { readFile } from 'node:fs/promises'
import { rootCertificates } from 'node:tls'
import { appError, bareHost, type Clock } from '../../../lib/base/index.ts'
import { type Call, scriptLoads } from './scripts.ts'

/** Where redis is, and who we are there. */
export interface RedisPlace {
  /** `redis://host:port/db`, or `rediss://` for TLS. */
  readonly url: string
  readonly username?: string | undefined
  readonly password?: (() => string) | undefined
  /** PEM file of authorities that are trusted besides those of Node. */
  readonly ca?: string | undefined
}

/** What redis says to one command: an error of redis is a reply like others. */
export type Reply = { readonly value: unknown } | { readonly refused: string }

/** One connection; it is never opened again. */
export interface RedisConnection {
  /** All at once, in order. @throws UNAVAILABLE when the connection is lost meanwhile, or redis takes too long */
  run(calls: readonly Call[]): Promise<readonly Reply[]>
  close(): void
  /** Resolves with the reason when the connection has ended; never rejects. */
  readonly ended: Promise<unknown>
}

/** Longest wait for a connection with all that belongs to it. */
const CONNECT_MS = 2_000
/** Longest wait for the replies to one group of commands; then the connection is closed. */
const REPLY_MS = 2_000
/** Commands that may wait for replies. */
const MAX_COMMANDS = 10_000

async function socketOf({ url, ca }: RedisPlace) {
  const { protocol, hostname, port } = new URL(url)
  const common = {
    host: bareHost(hostname),
    port: Number(port || 6379),
    connectTimeout: CONNECT_MS,
    reconnectStrategy: false,
  } as const
  if (protocol === 'redis:') return common
  return {
    ...common,
    tls: true,
    ...(ca !== undefined && { ca: [...rootCertificates, await readFile(ca, 'utf8')] }),
  } as const
}

/** @throws UNAVAILABLE */
export async function redisConnection(clock: Pick<Clock, 'setTimer'>, place: RedisPlace): Promise<RedisConnection> {
  // Only a tracker that shares its peers pays for the library.
  const { createClient, ErrorReply } = await import('@redis/client')
  const client = createClient({
    socket: await socketOf(place),
    ...(place.username !== undefined && { username: place.username }),
    ...(place.password !== undefined && { password: place.password() }),
    database: Number(new URL(place.url).pathname.slice(1) || 0),
    RESP: 2,
    commandsQueueMaxLength: MAX_COMMANDS,
    ...{ disableOfflineQueue: true, disableClientInfo: true, maintNotifications: 'disabled' },
  })
  const close = () => {
    if (client.isOpen) client.destroy()
  }
  const ended = new Promise<unknown>((resolve) => client.once('error', resolve).once('end', resolve))
  ended.then(close, close)
  client.on('error', () => undefined)

  const within = async <T>(limitMs: number, work: Promise<T>): Promise<T> => {
    const timer = clock.setTimer(limitMs, close, { background: true })
    try {
      return await work
    } catch (cause) {
      throw appError('UNAVAILABLE', { message: `redis: ${reasonOf(cause)}`, cause })
    } finally {
      timer.cancel()
    }
  }
  const replyTo = async (call: Call): Promise<Reply> => {
    try {
      return { value: await client.sendCommand(call) }
    } catch (err) {
      // Scripts are forgotten by SCRIPT FLUSH: the next connection brings them again.
      if (!(err instanceof ErrorReply) || err.message.startsWith('NOSCRIPT')) throw err
      return { refused: err.message }
    }
  }
  const prepare = async () => {
    await client.connect()
    await Promise.all(scriptLoads.map((call) => client.sendCommand(call)))
  }

  await within(CONNECT_MS, prepare()).catch((err: unknown) => {
    close()
    throw err
  })
  return {
    run: (calls) =>
      within(REPLY_MS, Promise.all(calls.map(replyTo))).catch((err: unknown) => {
        close()
        throw err
      }),
    close,
    ended,
  }
}

/** In short, for people. */
function reasonOf(err: unknown): string {
  const { code, message } = err as { readonly code?: unknown; readonly message?: unknown }
  return typeof code === 'string' ? code : String(message).slice(0, 200)
}
