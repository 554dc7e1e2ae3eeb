import type { Digest } from '../../lib/core/index.ts'
import type { Topology } from './topology.ts'

/** Links a blob in a repository at the build-index, as a proxy does after an upload. */
export async function linkBlob(
  shoal: Pick<Topology, 'url'>,
  repository: string,
  digest: Digest,
  size: number,
): Promise<void> {
  const path = `/repositories/${encodeURIComponent(repository)}/blobs/${digest}`
  const answer = await fetch(shoal.url('build-index-1') + path, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ size }),
  })
  if (answer.status !== 204) throw new Error(`the link answered ${answer.status}: ${await answer.text()}`)
}
