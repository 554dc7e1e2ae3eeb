import type { Replication } from '../../../lib/api/index.ts'

/** How telling a follower of a tag ended: a part of its status. */
export type Ended = Pick<Replication, 'outcome' | 'laterVersion' | 'digest' | 'version'>
