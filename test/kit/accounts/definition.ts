import { z } from 'zod'
import { controlPlaneSpec } from '../../../services/controller/accounts/resource/config.ts'
import { controlPlanes } from '../../../services/controller/accounts/resource/control-plane.ts'
import { componentFacts, componentNames } from '../../../services/controller/accounts/rules/component.ts'

type Schema = Readonly<Record<string, unknown>>
interface Rule {
  readonly rule: string
  readonly message: string
}

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What Kubernetes takes of JSON schemas. */
const structural = (schema: Schema): Schema =>
  Object.fromEntries(
    Object.entries(schema).flatMap(([key, value]) => {
      if (['$schema', 'propertyNames'].includes(key)) return []
      if (key === 'additionalProperties' && value === false) return []
      if (key === 'properties' && isSchema(value))
        return [
          [key, Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, structural(inner as Schema)]))],
        ]
      if (key === 'items' || key === 'additionalProperties') return [[key, structural(value as Schema)]]
      return [[key, value]]
    }),
  )

/** Where rules of CEL stand, which say what a schema cannot. */
const rules: Readonly<Record<string, readonly Rule[]>> = {
  'properties.backend': [
    {
      rule: 'self.driver == oldSelf.driver && self.bucket == oldSelf.bucket',
      message: 'the bucket of an account stays: its tags and blobs are there',
    },
    { rule: "!self.pathStyle || self.driver == 's3'", message: 'pathStyle is of the driver s3' },
    { rule: "!self.internal || self.driver == 'tos'", message: 'internal is of the driver tos' },
  ],
  'properties.trackers.properties.volume': [{ rule: 'self == oldSelf', message: 'volumes cannot be changed later' }],
  'properties.origins.properties.volume': [{ rule: 'self == oldSelf', message: 'volumes cannot be changed later' }],
  'properties.network': [
    {
      // The default of the whole object is looked at before the defaults within it are there.
      rule: '!has(self.loadBalancer) || !self.loadBalancer || (has(self.allowedCidrs) && size(self.allowedCidrs) > 0)',
      message: 'a load balancer needs allowedCidrs: without them it would be open to everybody',
    },
  ],
  'properties.network.properties.allowedCidrs.items': [
    {
      rule: "int(self.split('/')[1]) >= (self.contains(':') ? 32 : 8)",
      message: 'a network of an account is not wider than /8, or /32 of IPv6',
    },
    { rule: "!self.matches('^(::|0{1,4}:)')", message: 'write networks of IPv4 as such, like 10.0.0.0/16' },
  ],
}

function withRules(schema: Schema, path: string, added: readonly Rule[]): Schema {
  const [step, ...rest] = path.split('.')
  if (step === undefined || path === '') return { ...schema, 'x-kubernetes-validations': added }
  return { ...schema, [step]: withRules(schema[step] as Schema, rest.join('.'), added) }
}

const text = { type: 'string' }
const count = { type: 'integer' }
const perComponent = (schema: Schema): Schema => ({
  type: 'object',
  properties: Object.fromEntries(componentNames.map((name) => [componentFacts[name].key, schema])),
})

const statusSchema: Schema = {
  type: 'object',
  properties: {
    observedGeneration: count,
    namespace: text,
    version: text,
    components: perComponent({ type: 'object', properties: { ready: count, wanted: count } }),
    endpoints: perComponent({ type: 'array', items: text }),
    lastError: { type: 'object', properties: { reason: text, message: text, time: text } },
    conditions: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
      items: {
        type: 'object',
        required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
        properties: {
          ...{
            type: text,
            status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
            reason: text,
            message: text,
          },
          ...{ observedGeneration: count, lastTransitionTime: { type: 'string', format: 'date-time' } },
        },
      },
    },
  },
}

const column = (name: string, type: string, jsonPath: string) => ({ name, type, jsonPath })
const condition = (type: string, field: string) => `.status.conditions[?(@.type=="${type}")].${field}`

/** The definition of the custom resource, as docker/chart/crds has it: made of the schema that parses the resource. */
export function controlPlaneDefinition(): Schema {
  const made = structural(z.toJSONSchema(controlPlaneSpec, { io: 'input' }))
  const spec = Object.entries(rules).reduce((schema, [path, added]) => withRules(schema, path, added), made)
  const { group, version, plural, kind } = controlPlanes
  return {
    ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames: ['shoalcp'] },
      scope: 'Namespaced',
      versions: [
        {
          ...{ name: version, served: true, storage: true, subresources: { status: {} } },
          additionalPrinterColumns: [
            column('Version', 'string', '.status.version'),
            column('Ready', 'string', condition('Ready', 'status')),
            column('Progressing', 'string', condition('Progressing', 'reason')),
            column('Degraded', 'string', condition('Degraded', 'reason')),
            column('Namespace', 'string', '.status.namespace'),
            column('Age', 'date', '.metadata.creationTimestamp'),
          ],
          schema: {
            openAPIV3Schema: {
              type: 'object',
              required: ['spec'],
              description: 'The control plane of shoal of one main account; docs/accounts.md.',
              'x-kubernetes-validations': [
                {
                  rule: "size(self.metadata.name) <= 40 && !self.metadata.name.contains('.')",
                  message: 'the name of an account has at most 40 lower-case letters, digits and dashes',
                },
              ],
              properties: {
                apiVersion: text,
                kind: text,
                metadata: { type: 'object' },
                spec,
                status: statusSchema,
              },
            },
          },
        },
      ],
    },
  }
}
