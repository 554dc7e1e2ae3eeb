import { AsyncLocalStorage } from 'node:async_hooks'
import { type AbortOptions, type Clock, isAppError, type Startable, throwIfAborted } from '../../base/index.ts'
import { httpClient } from '../../http/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { TosConfig } from './config.ts'
import { credentialSource, type TosCredentials } from './credentials.ts'
import { tosEndpoint } from './endpoint.ts'
import { type TosClient, tosClient } from './tos-client.ts'
import { tosError } from './tos-error.ts'
import { tosTransport } from './tos-transport.ts'

/** Refusals that new credentials may solve; an answer to a HEAD has no body and so no reason. */
const STALE = /^(InvalidAccessKeyId|InvalidSecurityToken|ExpiredToken|SignatureDoesNotMatch|)$/

export interface TosSessionComponents {
  readonly clock: Clock
  readonly logger: Logger
}

/** The SDK's client with what it lacks: abortable requests, limited connections, changing credentials. */
export interface TosSession extends Startable {
  /**
   * Runs a request of the SDK, and runs it again when the backend refuses the credentials and there are new ones. When
   * the signal fires, the request and its connection end; a returned body must be destroyed by the caller.
   * @throws what `tosError` makes of the SDK's errors
   */
  run<T>(work: (client: TosClient) => Promise<T>, options: AbortOptions): Promise<T>
}

/** The bucket of the requests. */
export interface TosPlace {
  readonly session: TosSession
  readonly bucket: string
}

export function tosSession({ clock, logger }: TosSessionComponents, config: TosConfig): TosSession {
  const credentials = credentialSource({ clock, logger }, config.credentials)
  const http = httpClient({ clock }, { connectionsPerOrigin: config.connections })
  const signals = new AsyncLocalStorage<AbortSignal | undefined>()
  const transport = tosTransport(http, () => ({ signal: signals.getStore() }))
  let latest: { readonly of: TosCredentials; readonly client: TosClient } | undefined

  const clientNow = async (): Promise<TosClient> => {
    const current = await credentials.current()
    if (latest?.of !== current) latest = { of: current, client: await makeClient(current) }
    return latest.client
  }

  /** The SDK ignores its own option for this. */
  const makeClient = async (of: TosCredentials): Promise<TosClient> => {
    const client = await tosClient(clientOptions(config, of))
    client.axiosInst.interceptors.request.use((request) => Object.assign(request, { adapter: transport }))
    return client
  }

  const attempt = async <T>(work: (client: TosClient) => Promise<T>, { signal }: AbortOptions): Promise<T> => {
    try {
      const client = await clientNow()
      throwIfAborted(signal)
      return await signals.run(signal, () => work(client))
    } catch (err) {
      throw await tosError(err, { nowMs: clock.now(), signal })
    }
  }

  return {
    start: () => http.start(),
    stop: () => http.stop(),
    async run(work, options) {
      throwIfAborted(options.signal)
      try {
        return await attempt(work, options)
      } catch (err) {
        if (!isStale(err) || !(await credentials.renew())) throw err
        return attempt(work, options)
      }
    },
  }
}

function clientOptions(config: TosConfig, { accessKeyId, secretAccessKey, securityToken }: TosCredentials) {
  const { host, secure } = tosEndpoint(config)
  return {
    accessKeyId,
    accessKeySecret: secretAccessKey,
    ...(securityToken === undefined ? {} : { stsToken: securityToken }),
    region: config.region,
    endpoint: host,
    secure,
    bucket: config.bucket,
    isCustomDomain: config.customDomain,
    autoRecognizeContentType: false,
    // The governor handles retries and timeouts.
    maxRetryCount: 0,
    requestTimeout: 0,
  }
}

/** A refused HEAD has no body, so its 400 may mean an expired token as well. */
function isStale(err: unknown): boolean {
  if (!isAppError(err)) return false
  const { status, reason = '' } = err.detail ?? {}
  if (err.code !== 'BACKEND_DENIED' && !(err.code === 'BACKEND_REFUSED' && status === 400)) return false
  return typeof reason === 'string' && STALE.test(reason)
}
