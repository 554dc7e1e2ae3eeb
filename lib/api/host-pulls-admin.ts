import { adminCall } from './admin.ts'
import { pullCalls, pullPageSchema, tracedPullSchema } from './agent-pulls.ts'

/** Failures of what a host has to answer. */
export const asksHost = ['NODE_UNKNOWN', 'HOST_AWAY', 'REQUEST_INVALID', 'TOOMANYREQUESTS'] as const

/** What the hosts of a tracker tell of their pulls. */
export const hostPullCalls = {
  hostPulls: adminCall({
    method: 'GET',
    path: '/hosts/:peer/pulls',
    summary: 'the last pulls of a node and those under way, as the node itself tells them',
    query: pullCalls.pulls.query,
    codes: [...pullCalls.pulls.codes, ...asksHost],
    answer: pullPageSchema,
  }),
  hostPull: adminCall({
    method: 'GET',
    path: '/hosts/:peer/pulls/:id',
    summary: 'one pull of a node: what it waited for, and what each peer did for it',
    codes: [...pullCalls.pull.codes, ...asksHost],
    answer: tracedPullSchema,
  }),
}
