import { z } from 'zod'
import { type ErrorCode, errorTable } from '../base/index.ts'
import { type Route, sendJson } from '../http/index.ts'
import { type AdminCall, type AdminCalls, adminCall, adminRoute } from './admin.ts'
import { boundsOf, opaque } from './bounded.ts'
import type { ManagerCall } from './manager/manager-call.ts'

type Json = Readonly<Record<string, unknown>>

/** A call; one of a manager says what it needs. */
type DescribedCall = AdminCall & Partial<Pick<ManagerCall, 'needs'>>

/** The call by which every admin API describes itself. */
export const openApiCall = adminCall({
  method: 'GET',
  path: '/openapi.json',
  summary: 'all routes of this listener as an OpenAPI 3.1 document',
  answer: opaque(),
})

/** An admin API: its calls, and the one that describes them. */
export const adminApi = <const Calls extends AdminCalls>(calls: Calls) => ({ ...calls, openApi: openApiCall })

/** The routes of an admin API, and the one that describes them. `title` is the name of the service. */
export function describedRoutes(title: string, calls: AdminCalls, routes: readonly Route[]): readonly Route[] {
  const document = openApiDocument(title, calls)
  return [...routes, adminRoute(openApiCall, (exchange) => sendJson(exchange, 200, document))]
}

/** JSON Schema (2020-12, as OpenAPI 3.1 takes it) of what a schema takes. */
export function jsonSchemaOf(schema: z.ZodType): Json {
  const made = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      const bounds = boundsOf(zodSchema)
      if (bounds?.kind === 'list')
        Object.assign(jsonSchema, { type: 'array', maxItems: bounds.max, items: jsonSchemaOf(bounds.item) })
      if (bounds?.kind === 'table') {
        const { max, value } = bounds
        Object.assign(jsonSchema, { type: 'object', maxProperties: max, additionalProperties: jsonSchemaOf(value) })
      }
    },
  })
  return Object.fromEntries(Object.entries(made).filter(([key]) => key !== '$schema'))
}

const errorSchema: Json = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: { code: { type: 'string' }, message: { type: 'string' }, detail: {} },
    },
  },
}

/** RFC 9457; for clients that name it in their `Accept`. */
const problemSchema: Json = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    ...{ type: { type: 'string' }, title: { type: 'string' }, status: { type: 'integer' } },
    ...{ detail: { type: 'string' }, code: { type: 'string' }, facts: {} },
  },
}

/** The codes that any route may answer: see docs/errors.md. */
const everywhere: readonly ErrorCode[] = ['UNAUTHORIZED', 'DENIED', 'CROSS_SITE', 'HOST_UNKNOWN', 'UNKNOWN']

function failuresOf(codes: readonly ErrorCode[]): Json {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of [...everywhere, ...codes]) {
    const { status } = errorTable[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, named]) => [
      String(status),
      {
        description: named.map((code) => `${code}: ${errorTable[code].message}`).join('; '),
        content: {
          'application/json': { schema: { $ref: '#/components/schemas/Error' } },
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        },
      },
    ]),
  )
}

const jsonContent = (schema: z.ZodType) => ({ content: { 'application/json': { schema: jsonSchemaOf(schema) } } })

const contentOf = ({ stream }: AdminCall, answer: z.ZodType) =>
  stream === true ? { content: { 'text/event-stream': { schema: { type: 'string' } } } } : jsonContent(answer)

/** What a caller has to show: a secret, or at a manager what gives a right there. */
function securityOf({ method, needs }: DescribedCall): Json {
  if (needs === undefined) return { security: [{ [method === 'GET' ? 'adminRead' : 'admin']: [] }] }
  if (needs === 'none') return { security: [], 'x-needs': needs }
  return { security: [{ session: [] }, { token: [] }], 'x-needs': needs }
}

function operationOf(name: string, call: DescribedCall): Json {
  const path = [...call.path.matchAll(/:(\w+)/g)].map(([, param = '']) => ({
    ...{ name: param, in: 'path', required: true, schema: { type: 'string' } },
  }))
  const asked = Object.entries(call.query).map(([param, description]) => ({
    ...{ name: param, in: 'query', required: false, description, schema: { type: 'string' } },
  }))
  return {
    operationId: name,
    summary: call.summary,
    ...securityOf(call),
    parameters: [...path, ...asked],
    ...(call.body !== undefined && { requestBody: { required: true, ...jsonContent(call.body) } }),
    responses: {
      [String(call.status)]: { description: call.summary, ...(call.answer && contentOf(call, call.answer)) },
      ...failuresOf(call.codes),
    },
  }
}

const bearer = (description: string) => ({ type: 'http', scheme: 'bearer', description })

const ofSecrets: Json = {
  adminRead: bearer('secrets.adminRead or secrets.admin'),
  admin: bearer('secrets.admin'),
}
const ofManager: Json = {
  session: { type: 'apiKey', in: 'cookie', name: 'shoal-session', description: 'somebody who has signed in' },
  token: bearer('a personal access token; on the admin listener secrets.adminRead or secrets.admin'),
}

/** A document of OpenAPI 3.1 with all calls of an API, from the schemas that its routes and clients use. */
export function openApiDocument(title: string, calls: Readonly<Record<string, DescribedCall>>): Json {
  const paths: Record<string, Record<string, Json>> = {}
  const ofPeople = Object.values(calls).some(({ needs }) => needs !== undefined)
  for (const [name, call] of Object.entries(calls)) {
    const path = call.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [call.method.toLowerCase()]: operationOf(name, call) }
  }
  return {
    openapi: '3.1.0',
    info: { title: `shoal ${title}: ${ofPeople ? 'API' : 'admin API'}`, version: '1' },
    paths,
    components: {
      schemas: { Error: errorSchema, Problem: problemSchema },
      securitySchemes: ofPeople ? ofManager : ofSecrets,
    },
  }
}
