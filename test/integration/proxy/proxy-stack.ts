import { memoryBackend } from '../../../lib/backend/index.ts'
import { parseConfig } from '../../../lib/config/index.ts'
import {
  type Logger,
  type RecordingMetrics,
  recordingMetrics,
  silentLogger,
  silentMetrics,
} from '../../../lib/telemetry/index.ts'
import { type BuildIndexService, buildIndexSchema, buildIndexService } from '../../../services/build-index/index.ts'
import { type ProxyService, proxySchema, proxyService } from '../../../services/proxy/index.ts'
import { type MemoryOrigin, type MemoryOriginInit, memoryOrigin, type SharedBlobs } from '../../kit/memory-origin.ts'

/** A proxy in front of two origins in memory and one real build-index on a backend in memory. */
export interface ProxyStack extends AsyncDisposable {
  readonly url: string
  readonly proxy: ProxyService
  readonly index: BuildIndexService
  readonly origins: readonly MemoryOrigin[]
  /** The blobs that the origins have stored. */
  readonly blobs: SharedBlobs
  readonly metrics: RecordingMetrics
  /** Starts another proxy in front of the same cluster; by default it has the same secret. */
  secondProxy(uploadSecret?: string): Promise<{ readonly url: string } & AsyncDisposable>
}

const SECRET = 'a secret for tests'

const ANY_PORT = { bind: '127.0.0.1:auto' }

export interface ProxyStackInit extends Pick<MemoryOriginInit, 'onRead' | 'onAppend'> {
  /** Further keys of the proxies' `registry`. */
  readonly registry?: object
  /** The secrets of the proxies. */
  readonly secrets?: object
  readonly logger?: Logger
}

export async function startProxyStack(init: ProxyStackInit = {}): Promise<ProxyStack> {
  const { registry, secrets = {}, logger = silentLogger(), ...hooks } = init
  const blobs: SharedBlobs = new Map()
  const origins = await Promise.all(['o1', 'o2'].map((id) => memoryOrigin({ id, blobs, ...hooks })))
  const index = buildIndexService(
    { backend: memoryBackend(), logger: silentLogger(), metrics: silentMetrics() },
    parseConfig(buildIndexSchema, { http: ANY_PORT, ops: ANY_PORT, admin: ANY_PORT, drain: '0ms' }),
  )
  await index.start()
  const metrics = recordingMetrics()
  const configOf = (uploadSecret: string) =>
    parseConfig(proxySchema, {
      registry: { listener: ANY_PORT, uploadSecret, ownNames: ['registry.test'], ...registry },
      secrets,
      ops: ANY_PORT,
      admin: ANY_PORT,
      origins: { members: origins.map(({ id, url }) => ({ id, url })) },
      buildIndexes: { members: [{ id: 'b1', url: index.url }] },
      drain: '0ms',
    })
  const proxy = proxyService({ logger, metrics }, configOf(SECRET))
  const stopCluster = () => Promise.all([index.stop(), ...origins.map((origin) => origin.kill())])
  await proxy.start().catch(async (err: unknown) => {
    await stopCluster()
    throw err
  })
  return {
    url: proxy.url,
    ...{ proxy, index, origins, blobs, metrics },
    async secondProxy(uploadSecret = SECRET) {
      const second = proxyService({ logger: silentLogger(), metrics: silentMetrics() }, configOf(uploadSecret))
      await second.start()
      return { url: second.url, [Symbol.asyncDispose]: () => second.stop() }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([proxy.stop(), stopCluster()])
    },
  }
}
