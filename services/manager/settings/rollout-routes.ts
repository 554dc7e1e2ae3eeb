import { adminBody, managerApi, type RolloutState, rolloutStates } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { pageRequest, type Route, sendJson, sendTagged } from '../../../lib/http/index.ts'
import { managerRoute } from '../managed.ts'
import { rolloutAnswer } from './answers.ts'
import type { RolloutAct } from './progress.ts'
import type { RolloutStore } from './rollout-store.ts'
import { PAGE } from './settings-routes.ts'

export interface RolloutRoutesComponents {
  readonly rollouts: RolloutStore
  /** Hosts are to have something else. */
  readonly onChange: () => void
}

/** @throws REQUEST_INVALID */
function stateIn(text: string | null): RolloutState | undefined {
  const state = rolloutStates.find((each) => each === text)
  if (text !== null && state === undefined)
    throw appError('REQUEST_INVALID', { message: `a state is one of ${rolloutStates.join(', ')}` })
  return state
}

/** Roll-outs: how far they are, and the calls that change their course. */
export function rolloutRoutes({ rollouts, onChange }: RolloutRoutesComponents): readonly Route[] {
  const acts = {
    pause: managerApi.pauseRollout,
    resume: managerApi.resumeRollout,
    halt: managerApi.haltRollout,
    rollBack: managerApi.rollBack,
  } as const satisfies Record<RolloutAct, unknown>
  const actRoute = (act: RolloutAct): Route =>
    managerRoute(acts[act], async (exchange) => {
      const { reason } = await adminBody(acts[act], exchange)
      const doing = { act, actor: exchange.principal.name, reason }
      const rollout = await rollouts.act(exchange.params['id'] ?? '', doing)
      onChange()
      sendJson(exchange, 200, rolloutAnswer(rollout))
    })
  return [
    managerRoute(managerApi.rollouts, async (exchange) => {
      const state = stateIn(exchange.query.get('state'))
      const { rows, next } = await rollouts.page(pageRequest(exchange.query, PAGE), state)
      sendJson(exchange, 200, { rollouts: rows.map(rolloutAnswer), next })
    }),
    managerRoute(managerApi.rollout, async (exchange) => {
      const rollout = await rollouts.rollout(exchange.params['id'] ?? '')
      const history = (await rollouts.steps(rollout.id)).map(({ step, ...row }) => ({ step: step + 1, ...row }))
      sendTagged(exchange, { ...rolloutAnswer(rollout), history })
    }),
    managerRoute(managerApi.rolloutEvents, async (exchange) => {
      const { id } = await rollouts.rollout(exchange.params['id'] ?? '')
      const { rows, next } = await rollouts.events(id, pageRequest(exchange.query, PAGE))
      sendJson(exchange, 200, { events: rows.map(({ step, ...row }) => ({ ...row, step: step + 1 })), next })
    }),
    actRoute('pause'),
    actRoute('resume'),
    actRoute('halt'),
    actRoute('rollBack'),
  ]
}
