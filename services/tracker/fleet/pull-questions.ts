import { type PullAnswer, type PullQuestion, pullQuestionLimits } from '../../../lib/api/index.ts'
import {
  type AbortOptions,
  abortable,
  appError,
  type Clock,
  type Deferred,
  deferred,
  type Random,
} from '../../../lib/base/index.ts'
import { type PeerId, parsePeerId } from '../../../lib/core/index.ts'
import type { Posts } from './posts.ts'

/** A host that has not answered by then is away; managers wait a little longer for a tracker. */
const ANSWER_MS = 4_000
/** Questions of all admins at one time. */
const MAX_OPEN = 256
const ID_BYTES = 12

export interface PullQuestionsComponents {
  readonly clock: Pick<Clock, 'setTimer'>
  readonly random: Random
  readonly posts: Pick<Posts, 'wake' | 'withPeer'>
}

/** What admins ask hosts of their pulls: hosts hear it with the answer to their question for orders. In memory alone. */
export interface PullQuestions {
  /** Asks the host with this peer id. @throws REQUEST_INVALID, NODE_UNKNOWN, HOST_AWAY, TOOMANYREQUESTS, and what the host says */
  ask(peer: string, question: Omit<PullQuestion, 'id'>, options: AbortOptions): Promise<PullAnswer>
  /** What this host has not been asked yet; it counts as asked afterwards. */
  take(host: PeerId): readonly PullQuestion[]
  /** What a host says. An answer to nothing that it was asked is passed over. */
  told(host: PeerId, answer: PullAnswer): void
}

interface Open {
  readonly host: PeerId
  readonly question: PullQuestion
  readonly answer: Deferred<PullAnswer>
  taken: boolean
}

/** @throws REQUEST_INVALID */
function peerIn(text: string): PeerId {
  if (!/^[0-9a-f]{40}$/.test(text)) {
    throw appError('REQUEST_INVALID', { message: 'name a node by its peer id: 40 hex characters' })
  }
  return parsePeerId(text)
}

export function pullQuestions({ clock, random, posts }: PullQuestionsComponents): PullQuestions {
  const open = new Map<string, Open>()
  return {
    async ask(peer, asked, { signal }) {
      const host = posts.withPeer(peerIn(peer))
      if (host === undefined) {
        throw appError('NODE_UNKNOWN', { message: 'no host with this peer id asks this tracker for orders' })
      }
      if (open.size >= MAX_OPEN) throw appError('TOOMANYREQUESTS')
      const id = Buffer.from(random.bytes(ID_BYTES)).toString('hex')
      const answer = deferred<PullAnswer>()
      open.set(id, { host: host.id, question: { id, ...asked }, answer, taken: false })
      const timer = clock.setTimer(ANSWER_MS, () => answer.reject(appError('HOST_AWAY')), { background: true })
      try {
        posts.wake(host.id)
        return await abortable(answer.promise, signal)
      } finally {
        timer.cancel()
        open.delete(id)
      }
    },
    take(host) {
      const fresh = [...open.values()].filter((each) => each.host === host && !each.taken)
      const given = fresh.slice(0, pullQuestionLimits.maxAsked)
      for (const each of given) each.taken = true
      return given.map(({ question }) => question)
    },
    told(host, answer) {
      const asked = open.get(answer.id)
      if (asked?.host !== host) return
      if (answer.code === undefined) asked.answer.resolve(answer)
      else asked.answer.reject(appError(answer.code))
    },
  }
}
