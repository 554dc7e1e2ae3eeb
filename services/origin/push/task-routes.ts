import { adminRoute, originAdmin } from '../../../lib/api/index.ts'
import { appError, hasCode } from '../../../lib/base/index.ts'
import { type Exchange, pageRequest, type Route, sendEmpty, sendJson } from '../../../lib/http/index.ts'
import type { TaskState } from '../../../lib/journal/index.ts'
import type { WriteBack } from './write-back.ts'

/** Tasks on one page of the list; also the tasks that one retry handles before other work gets its turn. */
const PAGE = 100
const MAX_PAGE = 1000

export interface TaskRoutesComponents {
  readonly writeBack: Pick<WriteBack, 'journal' | 'waitingBytes' | 'maxWaitingBytes'>
}

const states = ['waiting', 'running', 'dead'] as const satisfies readonly TaskState[]

const stateOf = ({ query }: Exchange): TaskState | undefined => {
  const text = query.get('state')
  const state = states.find((each) => each === text)
  if (text === null || state !== undefined) return state
  throw appError('REQUEST_INVALID', { message: `state must be one of ${states.join(', ')}` })
}

const idOf = ({ params }: Exchange): string => params['id'] ?? ''

/** Admin routes: the tasks that wait for the backend, and the dead letters. */
export function taskRoutes({ writeBack }: TaskRoutesComponents): readonly Route[] {
  const summary = (exchange: Exchange) => {
    const { journal, waitingBytes, maxWaitingBytes } = writeBack
    sendJson(exchange, 200, { ...journal.counts(), waitingBytes, maxWaitingBytes })
  }

  const list = (exchange: Exchange) => {
    const state = stateOf(exchange)
    const { count, last } = pageRequest(exchange.query, { max: MAX_PAGE, usual: PAGE, least: 1 })
    const page = { after: last ?? '', limit: count, ...(state === undefined ? {} : { state }) }
    sendJson(exchange, 200, writeBack.journal.list(page))
  }

  const one = (exchange: Exchange) => {
    const task = writeBack.journal.get(idOf(exchange))
    if (task === undefined) throw appError('TASK_UNKNOWN', { detail: { id: idOf(exchange) } })
    sendJson(exchange, 200, task)
  }

  const retry = async (exchange: Exchange) => sendJson(exchange, 200, await writeBack.journal.retry(idOf(exchange)))

  const retryDead = async (exchange: Exchange) => {
    let retried = 0
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page = writeBack.journal.list({ state: 'dead', after, limit: PAGE })
      const results = await Promise.allSettled(page.tasks.map(({ id }) => writeBack.journal.retry(id)))
      const failure = results.find((result) => result.status === 'rejected' && !hasCode(result.reason, 'TASK_UNKNOWN'))
      if (failure?.status === 'rejected') throw failure.reason
      retried += results.filter(({ status }) => status === 'fulfilled').length
      after = page.next
    }
    sendJson(exchange, 200, { retried })
  }

  const remove = async (exchange: Exchange) => {
    if (exchange.query.get('force') !== 'true') {
      const message = 'the blob of a dead task may be nowhere else; say force=true to give it up'
      throw appError('REQUEST_INVALID', { message })
    }
    await writeBack.journal.delete(idOf(exchange))
    sendEmpty(exchange, 204)
  }

  return [
    adminRoute(originAdmin.journal, summary),
    adminRoute(originAdmin.tasks, list),
    adminRoute(originAdmin.task, one),
    adminRoute(originAdmin.retry, retry),
    adminRoute(originAdmin.retryDead, retryDead),
    adminRoute(originAdmin.giveUp, remove),
  ]
}
