import type { Remote } from './remote.ts'
import type { Webhook } from './webhook.ts'

/** Whoever gets to know of each change of a tag: another cluster, or a webhook. Each has a name of its own. */
export type Follower = Remote | Webhook
