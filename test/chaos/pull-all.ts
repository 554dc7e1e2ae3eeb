import { type Clock, seededRandom } from '../../lib/base/index.ts'
import { ask, type Ended } from './ask.ts'
import type { Clients, OpKind } from './clients.ts'
import { isOfTheStore } from './of-the-store.ts'
import { pullImage, readKinds, readOf } from './pulls.ts'
import type { Stage } from './stage.ts'

/** What could not be pulled though nothing is wrong any more. */
export interface Unpulled {
  readonly door: string
  readonly what: string
  readonly ended: Ended
}

export interface PullAllInit {
  readonly seed: number
  readonly boundMs: number
  readonly patienceMs: number
  readonly atTheEnd: number
}

interface Attempted {
  readonly door: string
  readonly what: string
  readonly kind: OpKind
  readonly attempt: () => Promise<Ended>
}

const AGAIN_MS = 500

/**
 * Pulls, from each listener, whole and in parts, what clients have asked for, until it comes. A wrong answer is not
 * tried again, but for one that is of the store: an agent that was cut off before the lie was found may still have such a
 * begin, and finds out as soon as the blob is read again.
 */
export async function pullAll(
  clock: Clock,
  stage: Stage,
  { touched, images }: Pick<Clients, 'touched' | 'images'>,
  { seed, boundMs, patienceMs, atTheEnd }: PullAllInit,
): Promise<readonly Unpulled[]> {
  const endMs = clock.monotonicMs() + patienceMs
  const random = seededRandom(seed)
  const { lied } = stage.store
  // What the store lied about has to be right again; all of it is asked for.
  const blobs = [...touched].filter(({ blob }, index) => index >= touched.size - atTheEnd || lied.has(blob.digest))
  const untilOk = async ({ door, what, kind, attempt }: Attempted): Promise<Unpulled[]> => {
    for (;;) {
      const ended = await attempt()
      if (ended.end === 'ok') return []
      const isWrong = ended.end === 'wrong' && !isOfTheStore({ ...ended, kind }, lied)
      if (isWrong || clock.monotonicMs() > endMs) return [{ door, what, ended }]
      await clock.sleep(AGAIN_MS)
    }
  }
  const fromOne = async (door: string): Promise<Unpulled[]> => {
    const unpulled: Unpulled[] = []
    for (const placed of blobs) {
      for (const kind of [
        readKinds[1 + Math.floor(random.next() * (readKinds.length - 1))] ?? 'range',
        'whole',
      ] as const) {
        const asked = readOf(kind, door, placed, random)
        const what = `${kind} of ${placed.blob.name}`
        unpulled.push(...(await untilOk({ door, what, kind, attempt: () => ask(asked, boundMs) })))
      }
    }
    for (const image of images.slice(-atTheEnd)) {
      const attempt = () => pullImage(door, image, boundMs, random)
      unpulled.push(...(await untilOk({ door, what: image.tag, kind: 'image by tag', attempt })))
    }
    return unpulled
  }
  return (await Promise.all(stage.doors.map(fromOne))).flat()
}
