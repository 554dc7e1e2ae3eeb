import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { accountsSchema } from '../../../services/controller/accounts/index.ts'
import { accountsRole } from '../../../services/controller/accounts/role.ts'
import { type Kube, kubeEvents, type Term } from '../../../services/controller/kubernetes/index.ts'
import type { ResourceStack } from '../resource-stack.ts'

/** The role `accounts` over a client of an API server, leading until the end of the stack. */
export async function accountsOn(stack: ResourceStack, kube: Kube, config: object = {}) {
  const parts = {
    ...{ clock: systemClock(), random: seededRandom(1), logger: silentLogger(), metrics: recordingMetrics(), kube },
  }
  const events = kubeEvents(parts, { component: 'shoal-controller', instance: 'test' })
  const components = { ...parts, events } as unknown as Parameters<typeof accountsRole>[0]
  const accounts = accountsSchema.parse({ image: 'registry.test/shoal', resync: '10s', ...config })
  const role = accountsRole(components, { accounts }, async () => ({
    ask: async () => ({ state: 'staying', isWalked: true, unsafe: 0, failures: 0 }),
    tell: async () => undefined,
    stop: async () => undefined,
  }))
  const end = new AbortController()
  const term: Term = { signal: end.signal, assert: () => end.signal.throwIfAborted() }
  for (const part of [events, ...role.parts]) {
    await part.start()
    stack.own({ [Symbol.asyncDispose]: () => part.stop() })
  }
  const led = role.lead(term)
  stack.own({
    async [Symbol.asyncDispose]() {
      end.abort()
      await led
    },
  })
  return role
}
