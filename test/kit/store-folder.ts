import { readdir } from 'node:fs/promises'

/** Paths that the layout of a stopped store allows; any other path is a leftover. */
const allowed = [
  /^(blobs|partial|uploads|volumes)$/,
  /^blobs\/sha(256|512)(\/[0-9a-f]{2}(\/[0-9a-f]+(\/(data|pieces|descriptor|label|pin))?)?)?$/,
  /^partial\/sha(256|512)-[0-9a-f]+(\/(data|map|meta))?$/,
  /^uploads\/[0-9a-f]{32}$/,
]

/** Files and folders in a stopped store's folder that belong to no blob, partial blob or upload; sorted. */
export async function strayFiles(folder: string): Promise<string[]> {
  const names = (await readdir(folder, { recursive: true })).sort()
  const broken = names.filter(
    (name) => /^(blobs\/.+\/[0-9a-f]{64,}|partial\/[^/]+)$/.test(name) && !names.includes(`${name}/data`),
  )
  return [...names.filter((name) => !allowed.some((shape) => shape.test(name))), ...broken]
}
