import type { Random } from '../../lib/base/index.ts'
import type { Digest } from '../../lib/core/index.ts'
import type { SharedImage } from './garbage-images.ts'
import { closingUrl, type RegistryAnswer, type RegistryClient, type RegistryRequest } from './registry-client.ts'

/** What a client knows of an image: `unknown` when a push or a deletion was cut short. */
export type Held = 'absent' | 'present' | 'unknown'

export interface SharedClientInit {
  readonly random: Random
  readonly images: readonly SharedImage[]
  /** Of all clients: mounts come from there. */
  readonly repositories: readonly string[]
  /** A request that takes longer is given up, so that what it saw is linked within the grace or never. */
  readonly patienceMs: number
}

/** Something that was acknowledged and is needed is not there. */
export class Lost extends Error {}

/** When nothing is killed any more, and nothing is linked. */
const MOST_TRIES = 5
const SETTLING_PATIENCE_MS = 60_000

/** An answer that says nothing of what became of the request. */
class Unanswered extends Error {}

/** One client of a registry, with images that only it pushes and deletes. */
export interface SharedClient {
  readonly held: ReadonlyMap<SharedImage, Held>
  /** How often each kind of work was done to its end. */
  readonly done: Readonly<Record<'pushed' | 'deleted' | 'pulled' | 'mounted' | 'cutShort', number>>
  /** Pushes, deletes, pulls, or pushes again one of its images. @throws Lost */
  act(): Promise<void>
  /** Deletes what is unknown. */
  settle(): Promise<void>
  /** Reads every byte of all that is there. @throws Lost */
  readAll(): Promise<void>
}

export function sharedClient(registry: RegistryClient, init: SharedClientInit): SharedClient {
  const { random, images, repositories } = init
  let { patienceMs } = init
  const held = new Map<SharedImage, Held>(images.map((image) => [image, 'absent']))
  const done = { pushed: 0, deleted: 0, pulled: 0, mounted: 0, cutShort: 0 }
  const any = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T

  const ask = async (method: string, target: string, request: RegistryRequest = {}): Promise<RegistryAnswer> => {
    try {
      const answer = await registry.send(method, target, { ...request, signal: AbortSignal.timeout(patienceMs) })
      if (answer.status < 500 && answer.status !== 429) return answer
      throw new Unanswered(`${answer.status} ${answer.body.toString()}`)
    } catch (cause) {
      throw cause instanceof Unanswered ? cause : new Unanswered(`${method} ${target}`, { cause })
    }
  }

  const pushBlob = async (name: string, digest: Digest, bytes: Buffer): Promise<void> => {
    if ((await ask('HEAD', `/v2/${name}/blobs/${digest}`)).status === 200) return
    const mount = random.next() < 0.4 ? `?mount=${digest}&from=${encodeURIComponent(any(repositories))}` : ''
    const opened = await ask('POST', `/v2/${name}/blobs/uploads/${mount}`)
    if (opened.status === 201) {
      done.mounted += 1
      return
    }
    const headers = { 'content-type': 'application/octet-stream' }
    const sent = await ask('PUT', closingUrl(opened.headers.location ?? '', digest), { body: bytes, headers })
    // Its upload may have died with its origin.
    if (sent.status !== 201) throw new Unanswered(`${sent.status} ${sent.body.toString()}`)
  }

  const push = async ({ name, tag, blobs, manifests }: SharedImage): Promise<void> => {
    for (const [digest, bytes] of blobs) await pushBlob(name, digest, bytes)
    for (const [i, { digest, bytes, mediaType }] of manifests.entries()) {
      const reference = i === manifests.length - 1 ? (tag ?? digest) : digest
      const headers = { 'content-type': mediaType }
      const { status, body } = await ask('PUT', `/v2/${name}/manifests/${reference}`, { body: bytes, headers })
      // What was there at the look for it may be gone now, if the client was slow: then it pushes again.
      if (status !== 201) throw new Unanswered(`${status} ${body.toString()}`)
    }
  }

  const remove = async ({ name, manifests }: SharedImage): Promise<void> => {
    for (const { digest } of manifests.toReversed()) {
      const { status, body } = await ask('DELETE', `/v2/${name}/manifests/${digest}`)
      if (status !== 202 && status !== 404) throw new Unanswered(`${status} ${body.toString()}`)
    }
  }

  const read = async (target: string, bytes: Buffer, headers: Readonly<Record<string, string>> = {}) => {
    const answer = await ask('GET', target, { headers })
    if (answer.status === 200 && answer.body.equals(bytes)) return
    throw new Lost(`${target}: ${answer.status} ${answer.status === 200 ? 'other bytes' : answer.body.toString()}`)
  }

  const pull = async ({ name, tag, blobs, manifests }: SharedImage): Promise<void> => {
    for (const [i, { digest, bytes, mediaType }] of manifests.entries()) {
      const references = i === manifests.length - 1 && tag !== undefined ? [digest, tag] : [digest]
      for (const each of references) await read(`/v2/${name}/manifests/${each}`, bytes, { accept: mediaType })
    }
    for (const [digest, bytes] of blobs) await read(`/v2/${name}/blobs/${digest}`, bytes)
  }

  const change = async (image: SharedImage, work: 'push' | 'remove'): Promise<void> => {
    const before = held.get(image)
    // Bytes that are pushed again are there all the time.
    if (!(work === 'push' && before === 'present')) held.set(image, 'unknown')
    await (work === 'push' ? push : remove)(image)
    held.set(image, work === 'push' ? 'present' : 'absent')
    done[work === 'push' ? 'pushed' : 'deleted'] += 1
  }

  const next = async (): Promise<void> => {
    const image = any(images)
    const dice = random.next()
    if (held.get(image) !== 'present')
      return change(image, held.get(image) === 'unknown' && dice < 0.5 ? 'remove' : 'push')
    if (dice < 0.55) return change(image, 'remove')
    if (dice < 0.7) return change(image, 'push')
    await pull(image)
    done.pulled += 1
  }

  return {
    held,
    done,
    async act() {
      try {
        await next()
      } catch (err) {
        if (!(err instanceof Unanswered)) throw err
        done.cutShort += 1
      }
    },
    async settle() {
      patienceMs = SETTLING_PATIENCE_MS
      for (const [image, state] of held) if (state === 'unknown') await insisted(() => change(image, 'remove'))
    },
    async readAll() {
      for (const [image, state] of held) if (state === 'present') await insisted(() => pull(image))
    },
  }
}

/** Does it again while there is no answer; what is lost is lost at once. */
async function insisted(work: () => Promise<void>): Promise<void> {
  for (let left = MOST_TRIES; ; left -= 1) {
    try {
      await work()
      return
    } catch (err) {
      if (left <= 1 || !(err instanceof Unanswered)) throw err
    }
  }
}
