import { ask, isThere, jsonOf } from './answer.ts'
import type { VisitInit } from './visit.ts'

/** Repositories that are looked at: the search must be quick, not complete. */
const MAX_LOOKED_AT = 20

const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : [])

async function get({ http, urls }: VisitInit, path: string, host: string | undefined) {
  const url = new URL(urls.registry + path)
  if (host !== undefined) url.searchParams.set('ns', host)
  const answer = await ask(http, url.href)
  return isThere(answer) && answer.status === 200 ? jsonOf(answer.text) : undefined
}

/** Bytes that a manifest names; an index counts as large, since each of its images is a further manifest. */
function sizeOf(manifest: Readonly<Record<string, unknown>>): number {
  const { layers, config } = manifest
  if (!Array.isArray(layers)) return Number.MAX_SAFE_INTEGER
  const size = (part: unknown) => Number((part as { readonly size?: unknown } | undefined)?.size ?? 0)
  return layers.reduce((sum: number, layer) => sum + size(layer), size(config))
}

/**
 * The smallest image among the first ones of the catalog, as `NAME:TAG`. Undefined when there is none, or when the agent
 * does not take `host` for a name of this cluster; without a host, when it serves nobody who names no registry.
 */
export async function smallImage(visit: VisitInit, host?: string): Promise<string | undefined> {
  const catalog = await get(visit, `/v2/_catalog?n=${MAX_LOOKED_AT}`, host)
  let best: { readonly name: string; readonly bytes: number } | undefined
  for (const repository of texts(catalog?.['repositories'])) {
    const [tag] = texts((await get(visit, `/v2/${repository}/tags/list?n=1`, host))?.['tags'])
    const manifest = tag === undefined ? undefined : await get(visit, `/v2/${repository}/manifests/${tag}`, host)
    if (tag === undefined || manifest === undefined) continue
    const bytes = sizeOf(manifest)
    if (best === undefined || bytes < best.bytes) best = { name: `${repository}:${tag}`, bytes }
  }
  return best?.name
}

/** Whether the agent takes who names no registry for a client of its own. */
export const servesStrangers = async (visit: VisitInit): Promise<boolean> =>
  (await get(visit, '/v2/_catalog?n=1', undefined)) !== undefined
