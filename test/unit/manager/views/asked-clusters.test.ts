import { expect, test } from '@jest/globals'
import { type AbortOptions, appError, fakeClock, hasCode, onAbort } from '../../../../lib/base/index.ts'
import { askedClusters, type ViewedClusters } from '../../../../services/manager/views/asked-clusters.ts'
import { contentViews } from '../../../../services/manager/views/content-views.ts'
import { nodeViews } from '../../../../services/manager/views/node-views.ts'

type Says = (asked: unknown, options: AbortOptions) => Promise<unknown>
const refuses =
  (code: Parameters<typeof appError>[0]): Says =>
  () =>
    Promise.reject(appError(code))
/** Until it is waited for no longer. */
const silent: Says = (_, { signal }) =>
  new Promise((_resolve, reject) => onAbort(signal, () => reject(appError('ABORTED'))))
const done: Says = async () => ({})

/** A cluster whose members say this to each act. */
function clusterOf(...says: readonly Says[]): ViewedClusters {
  const members = says.map((say, i) => ({ id: String(i), admin: { deleteTag: say, ban: say, unban: say } as never }))
  const clusters = () => [{ id: 'one', name: 'one', away: false }]
  return { clusters, trackers: () => members, buildIndexes: () => members }
}

const cases: readonly (readonly [string, readonly Says[], end: string, mayBeDone: number])[] = [
  ['the first one refuses', [refuses('MANIFEST_UNKNOWN'), done], 'MANIFEST_UNKNOWN', 0],
  ['the first one lets nobody in', [refuses('UNAUTHORIZED'), refuses('MANIFEST_UNKNOWN')], 'MANIFEST_UNKNOWN', 0],
  ['the first one does not answer', [silent, refuses('MANIFEST_UNKNOWN')], 'MANIFEST_UNKNOWN', 1],
  ['the first one fails', [refuses('NO_HEALTHY_MEMBER'), refuses('UNAUTHORIZED')], 'UNAUTHORIZED', 1],
  ['nobody answers', [silent, silent], 'NO_HEALTHY_MEMBER', 2],
]

test.each(cases)('when %s, whoever acts is told of each that may have done it', async (_, says, end, expected) => {
  const clock = fakeClock()
  const asked = askedClusters(clusterOf(...says), clock)
  const at = { cluster: 'one', target: 'node-7' }
  const acts = [
    (mayBeDone: () => void) => contentViews(asked).removeTag('one', { repository: 'a', tag: 'b' }, { mayBeDone }),
    (mayBeDone: () => void) => nodeViews(asked).mark('bans', at, { reason: 'r' }, { mayBeDone }),
    (mayBeDone: () => void) => nodeViews(asked).unmark('bans', at, { mayBeDone }),
  ]
  for (const act of acts) {
    let told = 0
    const acted = act(() => {
      told += 1
    }).catch((err: unknown) => hasCode(err, end))
    await clock.advance(10_000)
    await expect(acted).resolves.toBe(true)
    expect(told).toBe(expected)
  }
})
