import { z } from 'zod'
import { starPattern } from '../../../lib/base/index.ts'
import { namedListener } from '../../../lib/config/index.ts'
import type { UpstreamEntry } from '../../../lib/service/index.ts'

/** Most mount points of one listener, and most listeners besides the usual one. */
const MOST_MOUNTS = 100
const MOST_LISTENERS = 8

/** What a request means that names no registry: `own`, `none`, or the host of a registry that is served. */
export const frontDefault = z.string().min(1)

/** Paths in front of `/v2/`, each with a default of its own. */
export const mountList = z
  .array(
    z.strictObject({
      path: z.string().regex(/^(?:\/[a-z0-9][a-z0-9._-]*)+$/, 'a path begins with a slash and ends with none'),
      default: frontDefault,
    }),
  )
  .max(MOST_MOUNTS)
  .default([])

/** A further listener for clients, which is a registry of its own: nothing of the usual one's defaults holds there. */
export const frontListener = namedListener.extend({ default: frontDefault.default('none'), mounts: mountList })

export const frontListeners = z.array(frontListener).max(MOST_LISTENERS).prefault([])

interface Front {
  readonly default: string
  readonly mounts: z.output<typeof mountList>
}

export interface Fronts extends Front {
  readonly anonymous?: string
  readonly upstreams: readonly UpstreamEntry[]
  readonly listeners: readonly Front[]
}

type Path = readonly (string | number)[]

/** Paths that are something else already, at the beginning of a mount point; and those that are so at any place in it. */
const TAKEN_FIRST: readonly string[] = ['token', 'healthz', 'readyz', 'metrics']
const TAKEN: readonly string[] = ['v2', 'namespace']

function isTaken(path: string): boolean {
  const [, first = '', ...rest] = path.split('/')
  return TAKEN_FIRST.includes(first) || [first, ...rest].some((part) => TAKEN.includes(part))
}

export interface FrontFault {
  readonly path: Path
  readonly message: string
}

/**
 * What contradicts each other: each front means ours, none, or one of the registries that are served; and clients that show what
 * they log in with elsewhere cannot show a secret as well.
 */
export function frontFaults(fronts: Fronts): readonly FrontFault[] {
  const { anonymous, upstreams, listeners } = fronts
  const patterns = upstreams.map(({ registry }) => starPattern(registry))
  const isServed = (name: string) => name === 'own' || name === 'none' || patterns.some((pattern) => pattern.fits(name))
  const unserved = 'must be own, none, or a registry that a pattern of upstreams fits'
  const of = ({ default: usual, mounts }: Front, ...at: Path): readonly (FrontFault | false)[] => [
    !isServed(usual) && { path: [...at, 'default'], message: unserved },
    ...mounts.flatMap((mount, index) => {
      const place = [...at, 'mounts', index]
      const isTwice = mounts.slice(0, index).some(({ path }) => path === mount.path)
      return [
        !isServed(mount.default) && { path: [...place, 'default'], message: unserved },
        isTaken(mount.path) && { path: [...place, 'path'], message: 'is a path of the agent' },
        isTwice && { path: [...place, 'path'], message: 'is there twice' },
      ]
    }),
  ]
  const message = 'clients show what they log in with there, so registry.anonymous cannot be none'
  const shut = upstreams.map(
    ({ identity }, index) =>
      identity === 'passThrough' && anonymous === 'none' && { path: ['upstreams', index], message },
  )
  const all = [...shut, ...of(fronts), ...listeners.flatMap((each, index) => of(each, 'listeners', index))]
  return all.filter((fault) => fault !== false)
}

export function checkFronts(fronts: Fronts, ctx: z.core.$RefinementCtx): void {
  for (const { path, message } of frontFaults(fronts)) ctx.addIssue({ code: 'custom', path: [...path], message })
}
