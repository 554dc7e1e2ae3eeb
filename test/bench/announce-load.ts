import {
  type AnnounceTorrent,
  type AnnouncingPeer,
  type SeedChanges,
  type TrackerClient,
  trackerClient,
} from '../../lib/api/index.ts'
import { seededRandom, systemClock } from '../../lib/base/index.ts'
import { digestOf, newPeerId, parseRepository, swarmIdOf } from '../../lib/core/index.ts'
import { httpClient } from '../../lib/http/index.ts'
import { type ProcessUse, useOf } from './measure.ts'

/** Requests that are under way at one time. */
const PARALLEL = 16
const FIRST_PORT = 1_024
const PORTS = 65_536 - FIRST_PORT

const random = seededRandom(1)
const repository = parseRepository('bench/announce')

export type Blob = Pick<AnnounceTorrent, 'swarmId' | 'digest'>

export function blobsNamed(prefix: string, count: number): readonly Blob[] {
  return Array.from({ length: count }, (_, i) => {
    const digest = digestOf(Buffer.from(`${prefix} ${i}`))
    return { digest, swarmId: swarmIdOf(digest) }
  })
}

/** Nodes at addresses of their own, which differ by the port. */
export function nodesFrom(first: number, count: number): readonly AnnouncingPeer[] {
  return Array.from({ length: count }, (_, i) => {
    return { peerId: newPeerId(random), key: 'bench', port: FIRST_PORT + ((first + i) % PORTS), role: 'agent' }
  })
}

/** `count` different blobs of `blobs`, others for each node. */
export function shareOf(blobs: readonly Blob[], node: number, count: number): readonly Blob[] {
  return Array.from({ length: count }, (_, i) => blobs[(node * 7 + i * 97) % blobs.length] as Blob)
}

export function announced(blob: Blob, leftBytes: number): AnnounceTorrent {
  const event = leftBytes === 0 ? 'interval' : 'started'
  return { ...blob, repository, event, leftBytes, wantPeers: leftBytes === 0 ? 0 : 24, reports: [] }
}

export const everything = (blobs: readonly Blob[]): SeedChanges => {
  return { sequence: 1, remove: [], add: blobs.map(({ swarmId }) => swarmId) }
}

export const changed = (sequence: number, blob?: Blob): SeedChanges => {
  return { base: sequence - 1, sequence, remove: [], add: blob === undefined ? [] : [blob.swarmId] }
}

/** What a number of requests took. */
export interface Load {
  readonly requests: number
  readonly seconds: number
  /** Of the tracker. */
  readonly cpuSeconds: number
  readonly before: ProcessUse
  readonly after: ProcessUse
}

export interface Loader {
  /** Runs the calls, some of them at the same time, and measures the tracker meanwhile. */
  run<T>(items: readonly T[], call: (client: TrackerClient, item: T, at: number) => Promise<unknown>): Promise<Load>
  stop(): Promise<void>
}

export function loader(url: string, pid: number): Loader {
  const http = httpClient({ clock: systemClock() })
  const client = trackerClient(http, url)
  return {
    async run(items, call) {
      const before = await useOf(pid)
      const startedMs = performance.now()
      const rest = items.entries()
      const work = async () => {
        for (const [at, item] of rest) await call(client, item, at)
      }
      await Promise.all(Array.from({ length: PARALLEL }, work))
      const seconds = (performance.now() - startedMs) / 1000
      const after = await useOf(pid)
      return { requests: items.length, seconds, cpuSeconds: after.cpuSeconds - before.cpuSeconds, before, after }
    },
    stop: () => http.stop(),
  }
}
