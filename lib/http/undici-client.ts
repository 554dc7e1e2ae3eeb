import { readFile } from 'node:fs/promises'
import type { LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import { rootCertificates } from 'node:tls'
import { Agent } from 'undici'
import { appError, type Clock } from '../base/index.ts'
import { type Admits, guardedLookup } from './guarded-lookup.ts'
import type { HttpClient } from './http-client.ts'
import { exchangeOver } from './undici-exchange.ts'

export interface HttpClientComponents {
  readonly clock: Clock
  /** Finds the addresses of a name. Default: that of the system. */
  readonly lookup?: LookupFunction
}

export interface HttpClientInit {
  /**
   * Sent as a bearer token with every request without its own `authorization`; only for clients of our own services.
   */
  readonly token?: string | undefined
  /** Connections to one origin; further requests wait for a free one. Default 64. */
  readonly connectionsPerOrigin?: number
  /** Default 5 s. */
  readonly connectTimeoutMs?: number
  /** Default `shoal`. */
  readonly userAgent?: string
  /** PEM file of certificate authorities that are trusted in addition to those of Node; read by `start`. */
  readonly caFile?: string | undefined
  /** Which addresses of a name may be connected to. Default: any. */
  readonly admits?: Admits
}

const DEFAULT_CONNECTIONS = 64
const DEFAULT_CONNECT_MS = 5_000

/**
 * A client with its own pool of connections. Requests open the sockets; `stop` cuts running requests. Its start fails
 * with CONFIG_INVALID when the certificate file cannot be read.
 */
export function httpClient({ clock, lookup }: HttpClientComponents, init: HttpClientInit = {}): HttpClient {
  let agent: Agent | undefined
  let stopped = false
  let authorities: string[] | undefined
  const ownHeaders = {
    'accept-encoding': 'identity',
    'user-agent': init.userAgent ?? 'shoal',
    ...(init.token !== undefined && { authorization: `Bearer ${init.token}` }),
  }
  const pool = () => {
    agent ??= new Agent({
      connections: init.connectionsPerOrigin ?? DEFAULT_CONNECTIONS,
      connect: {
        timeout: init.connectTimeoutMs ?? DEFAULT_CONNECT_MS,
        ...(authorities !== undefined && { ca: authorities }),
        lookup: guardedLookup(init.admits ?? (() => true), lookup),
      },
    })
    return agent
  }

  return {
    async request(request) {
      try {
        if (stopped) throw appError('ABORTED', { message: 'the http client is stopped' })
        return await exchangeOver(pool(), clock, { ...request, headers: withDefaults(ownHeaders, request.headers) })
      } catch (err) {
        if (request.body instanceof Readable) request.body.on('error', () => undefined).destroy()
        throw err
      }
    },
    async start() {
      if (init.caFile !== undefined) authorities = [...rootCertificates, await pemOf(init.caFile)]
      stopped = false
    },
    async stop() {
      stopped = true
      const closing = agent
      agent = undefined
      await closing?.destroy()
    },
  }
}

const withDefaults = (defaults: Readonly<Record<string, string>>, given: Readonly<Record<string, string>> = {}) => ({
  ...defaults,
  ...Object.fromEntries(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value])),
})

async function pemOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (err) {
    const message = `the file of certificate authorities cannot be read: ${file}`
    throw appError('CONFIG_INVALID', { message, cause: err })
  }
}
