import { adminRoute, type PullAnswer, trackerAdmin } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { type Exchange, type Route, sendJson } from '../../../lib/http/index.ts'
import type { PullQuestions } from '../fleet/pull-questions.ts'

export interface HostPullRoutesComponents {
  readonly pullQuestions: Pick<PullQuestions, 'ask'>
}

const param = ({ params }: Exchange, name: string) => params[name] ?? ''

/** A host that answers something else is not one of ours, or of a later version. @throws HOST_AWAY */
function answered<What extends 'page' | 'pull'>(answer: PullAnswer, what: What): NonNullable<PullAnswer[What]> {
  const found: PullAnswer[What] | undefined = answer[what]
  if (found === undefined) throw appError('HOST_AWAY', { message: 'the host answered something else' })
  return found
}

/** Pulls of a node, which it tells itself: its admin listener is for its own machine alone. */
export function hostPullRoutes({ pullQuestions }: HostPullRoutesComponents): readonly Route[] {
  return [
    adminRoute(trackerAdmin.hostPulls, async (exchange) => {
      const query = Object.fromEntries(exchange.query)
      const answer = await pullQuestions.ask(param(exchange, 'peer'), { query }, { signal: exchange.signal })
      sendJson(exchange, 200, answered(answer, 'page'))
    }),
    adminRoute(trackerAdmin.hostPull, async (exchange) => {
      const asked = { pull: param(exchange, 'id'), query: {} }
      const answer = await pullQuestions.ask(param(exchange, 'peer'), asked, { signal: exchange.signal })
      sendJson(exchange, 200, answered(answer, 'pull'))
    }),
  ]
}
