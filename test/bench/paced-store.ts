import { join } from 'node:path'
import { type Digest, digestHex } from '../../lib/core/index.ts'
import { eventually } from '../kit/eventually.ts'
import { buildResource } from '../kit/resource-stack.ts'
import { startProcess } from '../kit/start-process.ts'
import { BUCKET, CONTROL, type StoreCounts, type StoreRates } from './paced-objects.ts'

/** How origins read the store: as an object store, or as a web server. */
export const storeDrivers = ['s3', 'http'] as const
export type StoreDriver = (typeof storeDrivers)[number]

/** A store in a process of its own, which counts what it gives. It has one object at a time. */
export interface PacedStore extends AsyncDisposable {
  /** What origins must be told to read it, as an override: a driver for each repository pattern. */
  backends(drivers: Readonly<Record<string, StoreDriver>>): string
  /** Replaces the object by `cipherBytes(name, bytes)`, and forgets all counts. */
  put(name: string, bytes: number): Promise<Digest>
  /** Where everybody may read an object, without a driver. */
  urlOf(digest: Digest): string
  counts(): Promise<StoreCounts>
  /** The counts, which begin anew. */
  takeCounts(): Promise<StoreCounts>
  /** The counts as soon as all bytes have left the store and no answer is under way; else those after the wait. */
  settledCounts(bytes: number, signal: AbortSignal): Promise<StoreCounts>
}

const SETTLE_MS = 30_000

export function startPacedStore({ bytesPerSecond, latencyMs }: StoreRates, signal: AbortSignal): Promise<PacedStore> {
  return buildResource(async (stack) => {
    const started = stack.own(
      await startProcess({
        command: process.execPath,
        args: [
          '--import',
          'tsx',
          join(import.meta.dirname, 'store-host.ts'),
          String(bytesPerSecond),
          String(latencyMs),
        ],
        ready({ stdout }) {
          if (!stdout.endsWith('\n')) throw new Error('it has not printed its URL')
          return stdout.trim()
        },
        readyTimeoutMs: 60_000,
        signal,
      }),
    )
    const url = started.ready
    const control = async (method: string, query = '') => {
      const answer = await fetch(`${url}${CONTROL}${query}`, { method })
      if (!answer.ok) throw new Error(`the store answered ${answer.status}`)
      return answer
    }
    const counts = async () => (await (await control('GET')).json()) as StoreCounts
    const backendOf = (driver: StoreDriver) => {
      if (driver === 'http') return { driver, url: `${url}/${BUCKET}/{key}` }
      const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' }
      return { driver, bucket: BUCKET, endpoint: url, pathStyle: true, credentials }
    }
    return {
      backends(drivers) {
        const rules = Object.entries(drivers).map(([repository, driver]) => ({
          repository,
          backend: backendOf(driver),
        }))
        return `origin.backends=${JSON.stringify(rules)}`
      },
      put: async (name, bytes) =>
        (await (
          await control('POST', `?${new URLSearchParams({ name, bytes: String(bytes) }).toString()}`)
        ).text()) as Digest,
      urlOf: (digest) => `${url}/${BUCKET}/${digestHex(digest)}`,
      counts,
      takeCounts: async () => (await (await control('DELETE')).json()) as StoreCounts,
      async settledCounts(bytes, ended) {
        const settled = async () => {
          const now = await counts()
          if (now.sentBytes < bytes || now.open > 0) throw new Error('the store still gives bytes')
          return now
        }
        try {
          return await eventually(settled, { timeoutMs: SETTLE_MS, signal: ended })
        } catch {
          ended.throwIfAborted()
          return counts()
        }
      },
    }
  })
}
