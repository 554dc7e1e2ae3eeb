import { z } from 'zod'
import { starPattern } from '../../../lib/base/index.ts'
import { namedListener } from '../../../lib/config/index.ts'
import { entryFaults, type UpstreamEntry } from '../rights/index.ts'

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

interface Fronts extends Front {
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

/** What each front means that is asked without the name of a registry: ours, none, or one of those that are served. */
export function checkFronts(fronts: Fronts, ctx: z.core.$RefinementCtx): void {
  const { anonymous, upstreams, listeners } = fronts
  const fault = (message: string, ...path: Path) => ctx.addIssue({ code: 'custom', path: [...path], message })
  const isServed = (name: string) =>
    name === 'own' || name === 'none' || upstreams.some(({ registry }) => starPattern(registry).fits(name))
  const message = 'must be own, none, or a registry that a pattern of upstreams fits'
  const check = ({ default: usual, mounts }: Front, ...at: Path) => {
    if (!isServed(usual)) fault(message, ...at, 'default')
    for (const [index, mount] of mounts.entries()) {
      const place = [...at, 'mounts', index]
      if (!isServed(mount.default)) fault(message, ...place, 'default')
      if (isTaken(mount.path)) fault('is a path of the agent', ...place, 'path')
      if (mounts.slice(0, index).some(({ path }) => path === mount.path)) fault('is there twice', ...place, 'path')
    }
  }
  for (const { index, message: why } of entryFaults(upstreams, anonymous)) fault(why, 'upstreams', index)
  check(fronts)
  for (const [index, listener] of listeners.entries()) check(listener, 'listeners', index)
}
