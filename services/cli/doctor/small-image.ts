import { ask, isThere, jsonOf } from './answer.ts'
import type { Visit } from './visit.ts'

/** Repositories that are looked at: the search must be quick, not complete. */
const MAX_LOOKED_AT = 20

const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : [])

async function get(visit: Visit, path: string) {
  const answer = await ask(visit.init.http, visit.init.urls.registry + path)
  return isThere(answer) && answer.status === 200 ? jsonOf(answer.text) : undefined
}

/** Bytes that a manifest names; an index counts as large, since each of its images is a further manifest. */
function sizeOf(manifest: Readonly<Record<string, unknown>>): number {
  const { layers, config } = manifest
  if (!Array.isArray(layers)) return Number.MAX_SAFE_INTEGER
  const size = (part: unknown) => Number((part as { readonly size?: unknown } | undefined)?.size ?? 0)
  return layers.reduce((sum: number, layer) => sum + size(layer), size(config))
}

/** The smallest image among the first ones of the catalog, as `NAME:TAG`; undefined when there is none. */
export async function smallImage(visit: Visit): Promise<string | undefined> {
  const catalog = await get(visit, `/v2/_catalog?n=${MAX_LOOKED_AT}`)
  let best: { readonly name: string; readonly bytes: number } | undefined
  for (const repository of texts(catalog?.['repositories'])) {
    const [tag] = texts((await get(visit, `/v2/${repository}/tags/list?n=1`))?.['tags'])
    const manifest = tag === undefined ? undefined : await get(visit, `/v2/${repository}/manifests/${tag}`)
    if (tag === undefined || manifest === undefined) continue
    const bytes = sizeOf(manifest)
    if (best === undefined || bytes < best.bytes) best = { name: `${repository}:${tag}`, bytes }
  }
  return best?.name
}

/** Whether the agent gives our own images for this host, and not only those of another registry. */
export async function isOwnHost(visit: Visit, host: string, image: string): Promise<boolean> {
  const [name = '', tag = ''] = image.split(/:(?=[^:/]*$)/)
  return (await get(visit, `/v2/${name}/manifests/${tag}?ns=${encodeURIComponent(host)}`)) !== undefined
}
