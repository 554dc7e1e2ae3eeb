import { memoryBackend } from '../../lib/backend/index.ts'
import type { Digest } from '../../lib/core/index.ts'
import { type RecordingLogger, recordingLogger } from '../../lib/telemetry/index.ts'
import { originSchema, originService } from '../../services/origin/index.ts'
import { buildResource } from './resource-stack.ts'
import { tempFolder } from './temp-folder.ts'

/** One real origin in this process, with a backend of its own. */
export interface NearOrigin extends AsyncDisposable {
  readonly url: string
  readonly logger: RecordingLogger
  metric(line: string): Promise<number>
}

const auto = { bind: '127.0.0.1:auto' }

/** @param config more keys of its config */
export function nearOrigin(config: Readonly<Record<string, unknown>> = {}): Promise<NearOrigin> {
  return buildResource(async (stack) => {
    const folder = stack.own(await tempFolder('near')).path
    const logger = recordingLogger()
    const backend = memoryBackend()
    const idle = () => Promise.resolve()
    const backends = { ...backend, backendFor: () => backend, start: idle, stop: idle }
    const service = originService(
      { logger, backends },
      originSchema.parse({
        ...{ folder, http: auto, ops: auto, admin: auto, peer: auto, drain: '100ms' },
        origins: { members: [{ id: 'origin-1', url: 'http://127.0.0.1:1' }] },
        trackers: { members: [{ id: 'nobody', url: 'http://127.0.0.1:1' }] },
        send: { allow: ['127.0.0.1'] },
        ...config,
      }),
    )
    await service.start()
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    return {
      url: service.url,
      logger,
      async metric(line: string) {
        const text = await (await fetch(`${service.opsUrl}/metrics`)).text()
        const found = text.split('\n').find((each) => each.startsWith(`${line} `))
        return found === undefined ? 0 : Number(found.slice(line.length + 1))
      },
    }
  })
}

/** Gives an origin without secrets a copy of a blob. */
export async function putCopy(
  url: string,
  repository: string,
  content: { readonly digest: Digest; readonly bytes: Uint8Array },
) {
  const target = `${url}/namespace/${encodeURIComponent(repository)}/blobs/${content.digest}`
  const answer = await fetch(target, { method: 'PUT', body: content.bytes, headers: { 'x-shoal-hop': '1' } })
  if (answer.status !== 201) throw new Error(`the origin answered ${answer.status} to a copy`)
}
