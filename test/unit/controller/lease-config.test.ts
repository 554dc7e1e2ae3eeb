import { describe, expect, test } from '@jest/globals'
import { electionTimings, leaseSchema } from '../../../services/controller/kubernetes/index.ts'

const problems = (lease: Readonly<Record<string, string>>) =>
  leaseSchema.safeParse(lease).error?.issues.map(({ path }) => path.join('.')) ?? []

describe('the times of a lease', () => {
  test('are short enough by default that a cache which dies with the leader is out of its names within 15 s', () => {
    const { leaseMs, renewMs, retryMs } = electionTimings(leaseSchema.parse({}))
    expect({ leaseMs, renewMs, retryMs }).toEqual({ leaseMs: 6_000, renewMs: 4_000, retryMs: 1_000 })
  })

  test.each([
    [{ duration: '15s', renew: '10s', retry: '2s' }, []],
    [{ duration: '5s', renew: '4s', retry: '2s' }, []],
    [{ duration: '4s' }, ['renew']],
    [{ duration: '5s', renew: '4100ms' }, ['renew']],
    [{ renew: '1500ms' }, ['retry']],
    [{ retry: '400ms' }, ['retry']],
    [{ duration: '6500ms' }, ['duration']],
    [{ duration: '61s' }, ['duration']],
  ])('%j', (lease, wrong) => expect(problems(lease)).toEqual(wrong))
})
