import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { adminClient, controllerAdmin } from '../../../lib/api/index.ts'
import { systemClock } from '../../../lib/base/index.ts'
import { loadConfig } from '../../../lib/config/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { controlPlanes } from '../../../services/controller/accounts/resource/control-plane.ts'
import { controllerSchema, controllerService } from '../../../services/controller/index.ts'
import { resources } from '../../../services/controller/kubernetes/index.ts'
import { HOME, planeKind, planeSpec } from '../../kit/accounts/accounts-lab.ts'
import { eventually } from '../../kit/eventually.ts'
import { writeKubeconfig } from '../../kit/kube-lab.ts'
import { kubeServer } from '../../kit/kube-server/kube-server.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const lab = () =>
  buildResource(async (stack) => {
    const server = stack.own(await kubeServer({ kinds: [planeKind] }))
    server.state.put(resources.namespaces, { metadata: { name: HOME } })
    const { path } = stack.own(await tempFolder('controller-accounts'))
    const kubeconfig = join(path, 'kubeconfig')
    await writeKubeconfig(kubeconfig, { server: server.url, user: { token: 'admin' }, namespace: HOME })
    const overrides = [
      ...[
        'ops.bind=127.0.0.1:auto',
        'admin.bind=127.0.0.1:auto',
        'roles=[accounts]',
        'accounts.image=registry.test/shoal',
      ],
      `kubernetes=${JSON.stringify({ access: 'kubeconfig', kubeconfig })}`,
    ]
    const controller = controllerService({ logger: silentLogger() }, await loadConfig(controllerSchema, { overrides }))
    const http = httpClient({ clock: systemClock() })
    for (const part of [http, controller]) {
      await part.start()
      stack.own({ [Symbol.asyncDispose]: () => part.stop() })
    }
    return { server, controller, admin: adminClient(http, controller.adminUrl, controllerAdmin) }
  })

test('a controller shows all accounts with version, health, size and last error, and tells of what is missing as an event', async () => {
  await using it = await lab()
  it.server.state.put(controlPlanes, { metadata: { name: 'acme', namespace: HOME }, spec: planeSpec() })
  it.server.state.put(controlPlanes, { metadata: { name: 'odd', namespace: HOME }, spec: { version: 'v1' } })
  await eventually(async () => {
    const { known, total, accounts } = await it.admin.accounts({})
    expect([known, total]).toEqual(['fresh', 2])
    expect(accounts).toEqual([
      expect.objectContaining({
        ...{ account: `${HOME}/acme`, wantedVersion: 'v1', health: 'degraded' },
        missing: `there is no Secret bucket in the namespace ${HOME}`,
        lastError: expect.objectContaining({ reason: 'CredentialsMissing', atMs: expect.any(Number) }),
      }),
      expect.objectContaining({ account: `${HOME}/odd`, missing: expect.stringMatching(/spec\.backend/) }),
    ])
  })
  await eventually(() => {
    const reasons = it.server.state.all(resources.events).map((event) => event['reason'])
    expect(reasons).toEqual(expect.arrayContaining(['CredentialsMissing', 'SpecInvalid']))
  })
  expect((await fetch(`${it.controller.opsUrl}/readyz`)).status).toBe(200)
})
