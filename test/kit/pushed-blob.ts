import type { OutgoingHttpHeaders } from 'node:http'
import { type Digest, digestOf } from '../../lib/core/index.ts'
import { cipherBytes } from './cipher-bytes.ts'
import { registryClient } from './registry-client.ts'
import type { Topology } from './topology.ts'

/** A blob that was pushed through a proxy. */
export interface PushedBlob {
  readonly digest: Digest
  readonly size: number
  readonly bytes: Uint8Array
  /** The path of the blob at the proxy and at every agent. */
  readonly path: string
}

/**
 * Pushes `size` bytes through the proxy; the same name gives the same bytes. Afterwards the owners and the backend have
 * them.
 */
export async function pushBlobOf(
  shoal: Topology,
  name: string,
  size: number,
  headers: OutgoingHttpHeaders = {},
): Promise<PushedBlob> {
  const bytes = cipherBytes(name, size)
  const digest = digestOf(bytes)
  const { status, body } = await registryClient(shoal.url('proxy-1', 'registry'), { headers }).pushBlob(
    name,
    digest,
    bytes,
  )
  if (status !== 201) throw new Error(`the push answered ${status}: ${body.toString('utf8')}`)
  return { digest, size, bytes, path: `/v2/${name}/blobs/${digest}` }
}
