import type { AnnouncingPeer, TrackerClient } from '../../lib/api/index.ts'
import type { HttpClient } from '../../lib/http/index.ts'
import { announced, type Blob, shareOf } from './announce-load.ts'

const MAX_PAGE_BYTES = 4 * 1024 * 1024
/** The downloads of one node. */
export const DOWNLOADS_PER_NODE = 10

/** Nodes begin their downloads, a share of the blobs each, some of them at the same time. */
export async function join(
  api: Pick<TrackerClient, 'announce'>,
  nodes: readonly AnnouncingPeer[],
  blobs: readonly Blob[],
): Promise<void> {
  const rest = nodes.entries()
  const work = async () => {
    for (const [at, peer] of rest) {
      const torrents = shareOf(blobs, at, DOWNLOADS_PER_NODE).map((blob) => announced(blob, 1_000))
      await api.announce({ peer, torrents })
    }
  }
  await Promise.all(Array.from({ length: 8 }, work))
}

/** The same nodes leave. */
export async function leave(
  api: Pick<TrackerClient, 'announce'>,
  nodes: readonly AnnouncingPeer[],
  blobs: readonly Blob[],
): Promise<void> {
  for (const [at, peer] of nodes.entries()) {
    const torrents = shareOf(blobs, at, DOWNLOADS_PER_NODE).map((blob) => announced(blob, 1_000))
    await api.announce({ peer, torrents: torrents.map((each) => ({ ...each, event: 'stopped' as const })) })
  }
}

export interface Walk {
  /** Of the list's entries, in the order in which they came. */
  readonly ids: readonly string[]
  /** Of each page, from the request to the last byte. */
  readonly pageMs: readonly number[]
}

interface Page {
  readonly swarms?: readonly { readonly swarmId: string }[]
  readonly hosts?: readonly { readonly peerId: string }[]
  readonly peers?: readonly { readonly peerId: string }[]
  readonly next?: string
}

/** Reads a list of a tracker's admin API page by page to its end, or as many pages as are wanted. `path` has a query. */
export async function walk(
  http: Pick<HttpClient, 'request'>,
  url: string,
  { pages = Number.POSITIVE_INFINITY }: { readonly pages?: number } = {},
): Promise<Walk> {
  const ids: string[] = []
  const pageMs: number[] = []
  for (let last = ''; ; ) {
    const startedMs = performance.now()
    const response = await http.request({ method: 'GET', url: `${url}&last=${last}` })
    const page = (await response.json(MAX_PAGE_BYTES)) as Page
    pageMs.push(performance.now() - startedMs)
    ids.push(...(page.swarms ?? []).map(({ swarmId }) => swarmId))
    ids.push(...(page.hosts ?? page.peers ?? []).map(({ peerId }) => peerId))
    if (page.next === undefined || pageMs.length >= pages) return { ids, pageMs }
    last = page.next
  }
}
