import { expect, test } from '@jest/globals'
import { deepMerge, parseConfig, type Tree } from '../../../../lib/config/index.ts'
import { buildIndexSchema } from '../../../../services/build-index/config.ts'
import { controlPlaneSpec } from '../../../../services/controller/accounts/resource/config.ts'
import { type Component, componentNames } from '../../../../services/controller/accounts/rules/component.ts'
import { configOf, secretsFileOf } from '../../../../services/controller/accounts/rules/configs.ts'
import { originSchema } from '../../../../services/origin/config.ts'
import { trackerSchema } from '../../../../services/tracker/config.ts'
import { planeSpec } from '../../../kit/accounts/accounts-lab.ts'

const schemas = { origin: originSchema, tracker: trackerSchema, buildIndex: buildIndexSchema } as const
const place = { namespace: 'shoal-acme-0123456789', domain: 'cluster.local' }
const own = { node: 'n'.repeat(32), service: 's'.repeat(32), adminRead: 'r'.repeat(32), admin: 'a'.repeat(32) }
const tokens = { ...own, also: {} }
const keys = { accessKeyId: 'AKIA', secretAccessKey: 'very-secret', sessionToken: 'passing' }

const tos = {
  ...{ driver: 'tos', bucket: 'images', region: 'cn-beijing', internal: true, endpoint: 'https://tos.example.com' },
  credentials: { secretName: 'bucket' },
}
const s3 = { ...tos, driver: 's3', internal: false, pathStyle: true }

/** As the loader does it with the two files. */
const loaded = (component: Component, spec: object) => {
  const parsed = controlPlaneSpec.parse(planeSpec(spec))
  const config = configOf(component, parsed, place) as Tree
  const secrets = secretsFileOf(component, parsed, { tokens, keys }) as Tree
  return parseConfig(schemas[component], deepMerge(deepMerge(config, secrets), { member: `${component}-0` }))
}

test.each(
  componentNames.flatMap((component) => [s3, tos].map((backend) => ({ component, backend, driver: backend.driver }))),
)('the config of $component with $driver is taken by its service', ({ component, backend }) => {
  const config = loaded(component, { backend, durability: 'replicas', network: { hosts: ['shoal.acme.example'] } })
  expect(config.secrets.some).toBe(true)
  expect(config.http.bind.host).toBe('0.0.0.0')
  expect(config.hosts).toContain('shoal.acme.example')
  expect(config.tls.authorities).toEqual(['/etc/shoal/tls/ca.crt'])
})

test('an origin is a member by its name, keeps most of its volume for blobs, and has the bucket of the account', () => {
  const config = loaded('origin', {
    backend: tos,
    durability: 'replicas',
    origins: { volume: { size: '10Gi' } },
  }) as ReturnType<typeof originSchema.parse>
  expect(config.store.capacity).toBe(Math.floor(0.9 * 10 * 2 ** 30))
  expect(config.backends).toEqual([
    expect.objectContaining({
      ...{ repository: '*', durability: 'replicas' },
      backend: expect.objectContaining({ driver: 'tos', bucket: 'images', network: 'internal' }),
    }),
  ])
  expect(config.origins.members).toMatchObject({
    dns: { name: `_http._tcp.origin.${place.namespace}.svc.cluster.local`, scheme: 'https', record: 'SRV' },
  })
})

test.each(componentNames)('while a token is replaced, %s takes both, and shows the first', (component) => {
  const both = { ...tokens, also: { service: 't'.repeat(32) } }
  const { secrets } = secretsFileOf(component, controlPlaneSpec.parse(planeSpec({ backend: s3 })), {
    tokens: both,
    keys,
  }) as { secrets: object }
  expect(secrets).toEqual({
    node: [own.node],
    service: [own.service, 't'.repeat(32)],
    adminRead: [own.adminRead],
    admin: [own.admin],
  })
})

test.each(componentNames)('the config file of %s has nothing secret in it', (component) => {
  const text = JSON.stringify(configOf(component, controlPlaneSpec.parse(planeSpec({ backend: s3 })), place))
  for (const secret of [...Object.values(own), ...Object.values(keys)]) expect(text).not.toContain(secret)
})
