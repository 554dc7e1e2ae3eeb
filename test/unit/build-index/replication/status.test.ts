import { beforeEach, describe, expect, test } from '@jest/globals'
import { parseRepository, parseTag } from '../../../../lib/core/index.ts'
import type { StatusQuery } from '../../../../services/build-index/replication/status.ts'
import { newStatus } from '../../../../services/build-index/replication/tag-status.ts'
import { type ReplicationLab, replicationLab } from '../../../kit/replication-lab.ts'

const repositories = ['a', 'a/b', './host.x/a', 'docker.io/a'].map(parseRepository)

let lab: ReplicationLab

beforeEach(async () => {
  lab = replicationLab()
  for (const remote of ['east', 'west']) {
    for (const repository of repositories) {
      for (const tag of ['1', '2'].map(parseTag)) {
        const target = { remote, repository, tag }
        const state = tag === '1' ? 'done' : 'dead'
        await lab.statuses.under({ generation: 1 }).set(target, { ...newStatus(target, 7), state })
      }
    }
  }
})

/** The targets on all pages. */
async function all(query: Omit<StatusQuery, 'n' | 'last'>, n: number): Promise<readonly string[]> {
  const found: string[] = []
  for (let last: string | undefined; ; ) {
    const page = await lab.statuses.list({ ...query, n, last })
    expect(page.replications.length).toBeLessThanOrEqual(n)
    found.push(...page.replications.map(({ remote, repository, tag }) => `${remote} ${repository} ${tag}`))
    last = page.next
    if (last === undefined) return found
  }
}

describe('the list of replications', () => {
  test.each([1, 3, 100])('gives each once, on pages of %d', async (n) => {
    expect(new Set(await all({}, n)).size).toBe(16)
    expect((await all({}, n)).length).toBe(16)
  })

  test.each([1, 3, 100])('gives only what is asked for, on pages of %d', async (n) => {
    expect((await all({ state: 'dead' }, n)).length).toBe(8)
    expect((await all({ remote: 'west' }, n)).every((target) => target.startsWith('west '))).toBe(true)
    expect((await all({ remote: 'west' }, n)).length).toBe(8)
    expect(await all({ repository: parseRepository('a') }, n)).toEqual(['east a 1', 'east a 2', 'west a 1', 'west a 2'])
    const one = { remote: 'east', repository: parseRepository('./host.x/a'), state: 'done' } as const
    expect(await all(one, n)).toEqual(['east ./host.x/a 1'])
  })
})

test('what a later holder has written stays, however late a former one writes', async () => {
  const target = { remote: 'east', repository: parseRepository('a'), tag: parseTag('1') }
  const [old, next] = [lab.statuses.under({ generation: 1 }), lab.statuses.under({ generation: 2 })]
  await next.set(target, { ...newStatus(target, 8), state: 'cancelled' })
  await expect(old.set(target, newStatus(target, 9))).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' })
  await old.remove(target)
  expect(await lab.statuses.get(target)).toMatchObject({ state: 'cancelled', updatedAtMs: 8 })
  await next.remove(target)
  expect(await lab.statuses.get(target)).toBeUndefined()
})

test('one that cannot be read counts as none, hides no other one, and is replaced by the next', async () => {
  const target = { remote: 'east', repository: parseRepository('a'), tag: parseTag('1') }
  const held = lab.statuses.under({ generation: 1 })
  const broken = { ...newStatus(target, 7), totalBytes: 2 * Number.MAX_SAFE_INTEGER }
  await held.set(target, broken)
  expect(await held.get(target)).toBeUndefined()
  expect(await all({}, 3)).toHaveLength(15)
  await held.set(target, newStatus(target, 9))
  expect(await held.get(target)).toMatchObject({ updatedAtMs: 9 })
  expect(await all({}, 3)).toHaveLength(16)
})
