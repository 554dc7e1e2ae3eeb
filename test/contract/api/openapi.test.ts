import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { AdminCall } from '../../../lib/api/index.ts'
import { adminApis } from '../../../services/cli/admin/apis.ts'
import { type EveryService, startEveryService } from '../../kit/every-service.ts'

interface Operation {
  readonly operationId: string
  readonly parameters: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: object
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >
}

interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

let services: EveryService

beforeAll(async () => {
  services = await startEveryService({ overrides: [], openFiles: 4096, headLookMs: 1_000 })
  // There are no reports before the first looks.
  const look = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"dryRun":true}' }
  for (const path of ['garbage', 'retention']) {
    expect((await fetch(`${urlOf('buildIndex')}/${path}`, look)).status).toBe(202)
  }
})

afterAll(async () => services[Symbol.asyncDispose]())

const urlOf = (kind: (typeof adminApis)[number]['kind']) =>
  `http://127.0.0.1:${services.port({ kind, listener: 'admin' })}`

const documentOf = async (kind: (typeof adminApis)[number]['kind']) =>
  (await (
    await fetch(urlOf(kind) + (adminApis.find((api) => api.kind === kind)?.calls['openApi']?.path ?? ''))
  ).json()) as Document

/**
 * They need a Kubernetes, a cluster that has joined, a query, a folder, or somebody who is signed in; `services/controller-{names,accounts}`,
 * `proxy/given-users`, `replication/given-remotes`, `manager/clusters`, `manager/people` and `manager/settings` compare them with the same schemas.
 */
const elsewhere = [
  'tracker content',
  ...['proxy registryUsers', 'buildIndex givenRemotes'],
  ...['controller names', 'controller accounts', 'manager assignment'],
  ...['manager settingsDiff', 'manager settingsEffective'],
  ...['manager mySessions', 'manager myTokens'],
]

/** Routes that answer without a path parameter: what they say is compared with the document. */
const plainReads = adminApis
  .flatMap(({ kind, calls }) =>
    Object.entries<AdminCall>(calls).flatMap(([name, { method, path, status, stream }]) =>
      method === 'GET' && !path.includes(':') && stream !== true ? [{ kind, name, path, status }] : [],
    ),
  )
  .filter(({ kind, name }) => !elsewhere.includes(`${kind} ${name}`))

describe.each(adminApis)('openapi.json of the $kind', ({ kind, calls }) => {
  test('is a valid document of OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate({ ...(await documentOf(kind)) })
    expect(errors).toBeUndefined()
    expect(valid).toBe(true)
  })

  test('has every route of the listener, with all that it takes', async () => {
    const { paths } = await documentOf(kind)
    const told = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => {
        const names = operation.parameters.map(({ name, in: place }) => `${place} ${name}`).toSorted()
        return { call: `${method.toUpperCase()} ${path}`, names, body: operation.requestBody !== undefined }
      }),
    )
    const served = Object.values<AdminCall>(calls).map((call) => ({
      call: `${call.method} ${call.path.replace(/:(\w+)/g, '{$1}')}`,
      names: [
        ...[...call.path.matchAll(/:(\w+)/g)].map(([, name = '']) => `path ${name}`),
        ...Object.keys(call.query).map((name) => `query ${name}`),
      ].toSorted(),
      body: call.body !== undefined,
    }))
    const byCall = (list: readonly { readonly call: string }[]) => list.toSorted((a, b) => (a.call < b.call ? -1 : 1))
    expect(byCall(told)).toEqual(byCall(served))
  })
})

test.each(plainReads)('$kind: the answer of $name is as its document says', async ({ kind, path, status }) => {
  const { paths } = await documentOf(kind)
  const schema = paths[path]?.['get']?.responses[String(status)]?.content?.['application/json']?.schema
  const answer: unknown = await (await fetch(urlOf(kind) + path)).json()
  const validate = new Ajv2020({ strict: false, formats: { ipv4: true, ipv6: true } }).compile(schema ?? false)
  expect(validate(answer) ? [] : validate.errors).toEqual([])
})
