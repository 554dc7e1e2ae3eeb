import { expect, test } from '@jest/globals'
import { appError } from '../../../../lib/base/index.ts'
import type { Journal } from '../../../../lib/journal/index.ts'
import { REPLICATE } from '../../../../services/build-index/replication/executor.ts'
import { revival } from '../../../../services/build-index/replication/revival.ts'
import { labRemote, replicationLab } from '../../../kit/replication-lab.ts'

test('a task that cannot be revived keeps no other one from it, and is tried with the next look', async () => {
  const lab = replicationLab()
  const dead = ['1', '2', '3'].map((tag) => ({
    kind: REPLICATE,
    key: `far team/app ${tag}`,
    dueAtMs: 1,
    createdAtMs: 0,
  }))
  const revived: string[] = []
  let isFailing = true
  const journal = {
    list: () => ({ tasks: dead }),
    add: async ({ key }: { readonly key: string }) => {
      if (isFailing && key.endsWith('1')) throw appError('JOURNAL_FULL')
      revived.push(key.slice(-1))
    },
  } as unknown as Journal
  const parts = { ...lab, statuses: lab.statuses.under({ generation: 1 }), followers: new Map([['far', labRemote()]]) }
  const dying = revival(parts, journal, { reviveMs: 1_000 })
  await lab.clock.advance(60_000)
  await dying.look({})
  expect(revived).toEqual(['2', '3'])
  isFailing = false
  await lab.clock.advance(60_000)
  await dying.look({})
  expect(revived).toEqual(['2', '3', '1', '2', '3'])
})
