import type { IncomingMessage } from 'node:http'
import type { ReadManner } from '../../../lib/registry/index.ts'
import type { AgentConfig } from '../config.ts'

type Asked = Pick<IncomingMessage, 'headers'>

/** Levels of the priority header at which nobody waits; 0 says nothing, and those above are of somebody who waits. */
const PREFETCH_LEVELS: readonly string[] = ['1', '2', '3']

/**
 * How urgent a client's read is, and whether the rest of the blob is to be brought, too: by its headers, which are those
 * of Dragonfly's clients unless the config says otherwise, or else by the config. A header that says nothing known counts
 * as none, so that nobody is served later because of a typo. `fill` is looked up for each read: it may change.
 */
export function readManner(
  registry: Pick<AgentConfig['registry'], 'priorityHeader' | 'prefetchHeader' | 'fill'>,
): (req: Asked) => ReadManner {
  const { priorityHeader, prefetchHeader } = registry
  const said = (req: Asked, header: string) => {
    const value = req.headers[header.toLowerCase()]
    return typeof value === 'string' ? value.trim().toLowerCase() : undefined
  }
  return (req) => {
    const prefetch = said(req, prefetchHeader)
    return {
      priority: PREFETCH_LEVELS.includes(said(req, priorityHeader) ?? '') ? 'prefetch' : 'onDemand',
      fills: prefetch === 'true' || (prefetch !== 'false' && registry.fill),
    }
  }
}
