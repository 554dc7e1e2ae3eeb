import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import type { RegistryAnswer, RegistryClient } from '../../kit/registry-client.ts'
import { type ClientTrace, clientTraces, type TraceStep } from './client-traces.ts'
import { clientOf, nameSequence, type RunningRegistry } from './running-registry.ts'
import { type TraceScene, traceScene } from './trace-scene.ts'

/** The name by which a registry under test is called in `ns`. */
export const TRACED_REGISTRY = 'registry.test'

const random = seededRandom(5)

/** Values that are not known before. */
const forms: Readonly<Record<string, unknown>> = {
  '{any}': expect.any(String),
  '{multipart}': expect.stringMatching(/^multipart\/byteranges; boundary=\w/),
}

/**
 * What clients were seen to send, played again over real HTTP: each client pushes, and pulls what it pushed. `readFrom` gives
 * another front of the same registry, at which is pulled.
 */
export function clientTracesSuite<R extends RunningRegistry>(
  name: string,
  make: () => Promise<R>,
  readFrom: (registry: R) => RunningRegistry = (registry) => registry,
): void {
  describe(`${name} gives clients what they need`, () => {
    let registry: R | undefined
    const writer = clientOf(() => registry)
    const reader = clientOf(() => registry && readFrom(registry))
    const freshName = nameSequence('suite/traces')

    beforeAll(async () => {
      registry = await make()
    })
    afterAll(async () => registry?.[Symbol.asyncDispose]())

    test.each(clientTraces.map((trace) => [trace.client, trace] as const))(
      '%s pushes, and pulls it',
      async (_, trace) => {
        const names = { name: freshName(), other: freshName(), registry: TRACED_REGISTRY }
        const scene = traceScene(random, names)
        const { digest, bytes } = scene.parts.layer
        await writer().pushBlob(names.other, digest, bytes)
        await play(writer(), scene, trace, trace.push)
        await play(reader(), scene, trace, trace.pull)
      },
    )
  })
}

async function play(client: RegistryClient, scene: TraceScene, trace: ClientTrace, steps: readonly TraceStep[]) {
  for (const each of steps) {
    const answer = await sent(client, scene, trace, each)
    expect([each.send, answer.status]).toEqual([each.send, each.status])
    scene.location = answer.headers.location ?? scene.location
    for (const [what, value] of Object.entries(each.needs ?? {})) {
      const wanted = forms[value] ?? scene.fill(value)
      expect([each.send, what, factOf(answer, what)]).toEqual([each.send, what, wanted])
    }
    expect(answer.headers['content-encoding']).toBeUndefined()
    if (each.gives !== undefined) {
      const [part, start, end] = typeof each.gives === 'string' ? [each.gives, 0] : each.gives
      expect(answer.body.equals(scene.parts[part].bytes.subarray(start, end))).toBe(true)
    }
  }
}

function sent(client: RegistryClient, scene: TraceScene, trace: ClientTrace, each: TraceStep): Promise<RegistryAnswer> {
  const [method = '', target = ''] = scene.fill(each.send).split(' ')
  const path = target.startsWith('/') ? target : scene.fill(`/v2/{name}/${target}`)
  const filled = Object.entries({ ...trace.headers, ...each.headers }).map(([key, value]) => [key, scene.fill(value)])
  return client.send(method, path, {
    headers: Object.fromEntries(filled) as Record<string, string>,
    ...(each.body !== undefined && { body: scene.parts[each.body].bytes }),
    ...(each.chunked === true && { chunked: true }),
  })
}

/** What a step needs: a header; or, of the body, `{tags}`: the tags of a list, `{list}`: the digests of an index. */
function factOf(answer: RegistryAnswer, what: string): unknown {
  if (what === '{tags}') return (answer.json() as { tags: string[] }).tags.join(' ')
  if (what !== '{list}') return answer.headers[what]
  return (answer.json() as { manifests: { digest: string }[] }).manifests.map(({ digest }) => digest).join(' ')
}
