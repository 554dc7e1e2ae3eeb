import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Leadership } from '../../../lib/api/index.ts'
import { deferred } from '../../../lib/base/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import type { MakeRoles } from '../../../services/controller/duty.ts'
import { controllerSchema, controllerService } from '../../../services/controller/index.ts'
import { type Kube, type KubeEvents, resources, type Term } from '../../../services/controller/kubernetes/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { writeKubeconfig } from '../../kit/kube-lab.ts'
import { type KubeServer, kubeServer } from '../../kit/kube-server/kube-server.ts'
import { type ResourceStack, resourceStack } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

let stack: ResourceStack
let server: KubeServer
let kubeconfig: string

beforeEach(async () => {
  stack = resourceStack()
  server = stack.own(await kubeServer())
  kubeconfig = join(stack.own(await tempFolder('controller')).path, 'kubeconfig')
  await writeKubeconfig(kubeconfig, { server: server.url, user: { token: 'admin' } })
})
afterEach(async () => stack[Symbol.asyncDispose]())

const listeners = { ops: { bind: '127.0.0.1:auto' }, admin: { bind: '127.0.0.1:auto' } }
const leaseTimings = { leaseMs: 600_000, renewMs: 400_000, retryMs: 20 }

const started = async (roles?: MakeRoles, more: object = {}) => {
  const kubernetes = { access: 'kubeconfig', kubeconfig }
  const config = controllerSchema.parse({ ...listeners, kubernetes, ...more })
  const parts = { logger: silentLogger(), metrics: silentMetrics(), leaseTimings, ...(roles && { roles }) }
  const controller = controllerService(parts, config)
  await controller.start()
  stack.own({ [Symbol.asyncDispose]: () => controller.stop() })
  return controller
}
type Controller = Awaited<ReturnType<typeof started>>

const leadership = async ({ adminUrl }: Controller) =>
  (await (await fetch(`${adminUrl}/leadership`)).json()) as Leadership
const untilLeading = (controller: Controller) =>
  eventually(async () => expect(await leadership(controller)).toMatchObject({ lease: { isLeading: true } }))

/** Roles that tell when they lead, and lead until the test or the term ends it. */
function observed(...names: readonly string[]) {
  const began = new Map(names.map((name) => [name, deferred<Term>()]))
  const end = new Map(names.map((name) => [name, deferred()]))
  const ended: string[] = []
  const make: MakeRoles = ({ kube, events }: { readonly kube: Kube; readonly events: KubeEvents }) =>
    names.map((name) => ({
      name,
      parts: [],
      async lead(term) {
        began.get(name)?.resolve(term)
        events.tell({
          about: {
            resource: resources.leases,
            object: await kube.reads.get(resources.leases, { name: 'shoal-controller' }),
          },
          ...{ type: 'Normal', reason: 'Leads', message: name },
        })
        const over = deferred()
        if (term.signal.aborted) over.resolve()
        term.signal.addEventListener('abort', () => over.resolve())
        await Promise.race([over.promise, end.get(name)?.promise])
        ended.push(name)
      },
      problem: () => undefined,
    }))
  return {
    make,
    ended,
    began: (name: string) => began.get(name)!.promise,
    fail: (name: string) => end.get(name)!.reject(new Error('broken')),
  }
}

test('of two controllers one leads, and the other one when the first stops; both say who', async () => {
  const first = await started()
  await untilLeading(first)
  const second = await started()
  const holder = (await leadership(first)).lease?.identity
  await eventually(async () =>
    expect(await leadership(second)).toMatchObject({
      access: 'kubeconfig',
      lease: { isLeading: false, holder },
      roles: [],
    }),
  )
  expect((await fetch(`${second.opsUrl}/readyz`)).status).toBe(200)
  await first.stop()
  await untilLeading(second)
  expect((await leadership(second)).lease?.transitions).toBe(1)
})

test('without access to a cluster it says so, and takes no roles', async () => {
  const idle = await started(undefined, { kubernetes: { access: 'off' } })
  expect(await leadership(idle)).toEqual({ access: 'off', roles: [] })
  expect((await fetch(`${idle.opsUrl}/readyz`)).status).toBe(200)
})

test('is not ready while the lease cannot be read, and says why', async () => {
  server.allows = () => false
  const controller = await started()
  await eventually(async () =>
    expect(await leadership(controller)).toMatchObject({ lease: { failure: 'KUBE_FORBIDDEN' } }),
  )
  const answer = await fetch(`${controller.opsUrl}/readyz`)
  expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('KUBE_FORBIDDEN')])
  server.allows = () => true
  await untilLeading(controller)
  expect((await fetch(`${controller.opsUrl}/readyz`)).status).toBe(200)
})

describe('roles', () => {
  test('lead together; when one fails, the term ends for the others, and the lease is given back', async () => {
    const roles = observed('one', 'two')
    const controller = await started(roles.make)
    const term = await roles.began('two')
    await eventually(() =>
      expect(
        server.state
          .all(resources.events)
          .map(({ message }) => message)
          .toSorted(),
      ).toEqual(['one', 'two']),
    )
    expect((await leadership(controller)).roles).toEqual([{ name: 'one' }, { name: 'two' }])
    roles.fail('one')
    await eventually(() => expect(roles.ended).toEqual(['two']))
    expect(() => term.assert()).toThrow(expect.objectContaining({ code: 'LEADERSHIP_LOST' }))
    await eventually(() => {
      const [lease] = server.state.all(resources.leases)
      expect(lease?.['spec']).not.toHaveProperty('holderIdentity')
    })
  })

  test('end before the lease is given back when the controller stops', async () => {
    const roles = observed('one')
    const controller = await started(roles.make)
    await roles.began('one')
    await controller.stop()
    expect(roles.ended).toEqual(['one'])
    const [lease] = server.state.all(resources.leases)
    expect(lease?.['spec']).not.toHaveProperty('holderIdentity')
  })
})
