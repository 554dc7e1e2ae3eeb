import { createHash } from 'node:crypto'
import { z } from 'zod'
import { list, opaque, table, text } from './bounded.ts'
import { liveFaults } from './live-faults.ts'
import { isLiveKind, liveKeys } from './live-keys.ts'

/** Limits of what steers a fleet; docs/limits.md gives the reasons. */
export const steeringLimits = {
  maxLayers: 128,
  /** Hosts that one layer may name. */
  maxNames: 2_000,
  /** Values of one layer. */
  maxValues: 64,
  /** The whole document as JSON: trackers tell it each other in one body. */
  maxDocumentBytes: 192 * 1024,
} as const

const nameSchema = text(255).min(1)
const namesSchema = list(nameSchema, steeringLimits.maxNames)
const generationSchema = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER)

const scopeSchema = z
  .strictObject({
    all: z.literal(true).exactOptional(),
    zone: nameSchema.exactOptional(),
    /** Each is the id of a host, its peer id, its address, its label `host`, or the name of a tracker or origin. */
    hosts: namesSchema.exactOptional(),
  })
  .refine((scope) => Object.keys(scope).length === 1, 'say for which hosts: exactly one of hosts, zone and all')

/** Of the hosts of a scope, those named, or about so many of a hundred: with one salt always the same ones. */
const shareSchema = z
  .strictObject({
    hosts: namesSchema.exactOptional(),
    percent: z.number().min(0).max(100).exactOptional(),
    salt: text(64).exactOptional(),
  })
  .refine(
    ({ hosts, percent, salt }) => (hosts === undefined) === (percent !== undefined && salt !== undefined),
    'say which share: either hosts, or percent with a salt',
  )

const layerKeys = {
  id: text(64).min(1),
  /** That of the document in which it was changed last. */
  generation: generationSchema,
  scope: scopeSchema,
  share: shareSchema.exactOptional(),
  /** The id of a layer that does not hold for the hosts of this one: so a roll-out also takes keys away. */
  replaces: text(64).exactOptional(),
  /** Live keys of that kind of service, with values as in its config file. */
  values: table(opaque(), { max: steeringLimits.maxValues, maxKey: 64 }),
}
const layerSchema = z.object({ ...layerKeys, kind: text(32) })
export type SteeringLayer = z.output<typeof layerSchema>

/** What a manager, or an admin in its place, wants of all services: as it is kept, also by those who know fewer keys. */
export const steeringDocumentSchema = z.object({
  /** Who holds these settings. */
  manager: nameSchema,
  generation: generationSchema,
  layers: list(layerSchema, steeringLimits.maxLayers),
})
export type SteeringDocument = z.output<typeof steeringDocumentSchema>

/** The same, as it is accepted: every key and every value for other services is one that this version knows. */
export const steeringBodySchema = z
  .strictObject({
    manager: nameSchema,
    generation: generationSchema,
    layers: list(
      z.strictObject({ ...layerKeys, kind: z.enum(Object.keys(liveKeys) as (keyof typeof liveKeys)[]) }),
      steeringLimits.maxLayers,
    ),
  })
  .superRefine(({ generation, layers }, context) => {
    const seen = new Set<string>()
    for (const [index, layer] of layers.entries()) {
      const fault = seen.has(layer.id) ? { message: 'is there twice' } : faultOf(layer, generation)
      seen.add(layer.id)
      if (fault === undefined) continue
      const path = ['layers', index, ...('key' in fault ? ['values', fault.key] : [])]
      context.addIssue({ code: 'custom', path, message: `the layer "${layer.id}" ${fault.message}` })
      return
    }
  })

/** What is wrong with a layer. One for trackers each of them judges by its own config, and says so in its state. */
function faultOf(layer: SteeringLayer, generation: number): { message: string; key?: string } | undefined {
  if (layer.generation > generation) return { message: 'has a generation above that of the document' }
  if (!isLiveKind(layer.kind)) return { message: `is for services that cannot be steered: ${layer.kind}` }
  if (layer.kind === 'tracker') return undefined
  const [fault] = liveFaults(layer.kind, layer.values)
  return fault
}

/** A service as a scope and a share see it. */
export interface SteeredHost {
  readonly kind: string
  /** Stays the same over restarts. */
  readonly id: string
  /** All that it can be named by, its id among them. */
  readonly names: readonly string[]
  readonly zone?: string | undefined
}

/** What a document says for one host. */
export interface EffectiveSettings {
  /** Of the document. */
  readonly generation: number
  readonly values: Readonly<Record<string, unknown>>
  /** The same for the same values. */
  readonly hash: string
  /** The layers that it comes from, the one that counts most last. */
  readonly layers: readonly string[]
}

export interface SteeringRules {
  of(host: SteeredHost): EffectiveSettings
}

/** Where a host stands between 0 and 100: at random, and with one salt always at the same place. */
export const placeInShare = (salt: string, id: string): number =>
  (createHash('sha256').update(`${salt}\0${id}`).digest().readUInt32BE(0) / 2 ** 32) * 100

const rankOf = ({ scope }: SteeringLayer): number => (scope.all === true ? 0 : scope.zone === undefined ? 2 : 1)

/** JSON whose keys are in order, at every depth. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, each]) => [key, ordered(each)]))
}

/** The same for the same values, in whatever order their keys come. */
export const hashOfValues = (values: Readonly<Record<string, unknown>>): string =>
  createHash('sha256')
    .update(JSON.stringify(ordered(values)))
    .digest('hex')
    .slice(0, 32)

interface Rule {
  readonly layer: SteeringLayer
  readonly applies: (host: SteeredHost) => boolean
}

function ruleOf(layer: SteeringLayer): Rule {
  const { kind, scope, share } = layer
  const fits = (names: readonly string[] | undefined) => {
    const set = new Set(names)
    return (host: SteeredHost) => host.names.some((name) => set.has(name))
  }
  const { zone, hosts } = scope
  const isNamed = fits(hosts)
  const isShared = fits(share?.hosts)
  const inScope = (host: SteeredHost) =>
    hosts === undefined ? zone === undefined || host.zone === zone : isNamed(host)
  const inShare = (host: SteeredHost) => {
    if (share === undefined) return true
    return share.percent === undefined ? isShared(host) : placeInShare(share.salt ?? '', host.id) < share.percent
  }
  return { layer, applies: (host) => host.kind === kind && inScope(host) && inShare(host) }
}

/** Answers that are remembered: one for each combination of layers. */
const MAX_COMBINATIONS = 1_024

/**
 * What a document says for each host. A layer for named hosts counts more than one for a zone, and that more than one for
 * all; of two that are alike the one of the later generation, then the one that comes later. A layer that another one of the
 * host replaces does not count.
 */
export function steeringRules({ generation, layers }: SteeringDocument): SteeringRules {
  const rules = layers
    .map(ruleOf)
    .sort((a, b) => rankOf(a.layer) - rankOf(b.layer) || a.layer.generation - b.layer.generation)
  const known = new Map<string, EffectiveSettings>()
  return {
    of(host) {
      const fitting = rules.filter(({ applies }) => applies(host)).map(({ layer }) => layer)
      const replaced = new Set(fitting.map(({ replaces }) => replaces))
      const applying = fitting.filter(({ id }) => !replaced.has(id))
      const ids = applying.map(({ id }) => id)
      const name = JSON.stringify(ids)
      const before = known.get(name)
      if (before !== undefined) return before
      const values = Object.fromEntries(applying.flatMap((layer) => Object.entries(layer.values)))
      const made = { generation, values, hash: hashOfValues(values), layers: ids }
      if (known.size >= MAX_COMBINATIONS) known.clear()
      known.set(name, made)
      return made
    },
  }
}

/** What a document says for one host. */
export function effective(
  document: SteeringDocument,
  host: SteeredHost,
): Pick<EffectiveSettings, 'generation' | 'values'> {
  const { generation, values } = steeringRules(document).of(host)
  return { generation, values }
}
