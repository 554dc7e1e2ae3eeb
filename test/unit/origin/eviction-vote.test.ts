import { describe, expect, it } from '@jest/globals'
import { evictionVote } from '../../../services/origin/upkeep/eviction-vote.ts'
import { randomContent } from '../../kit/store-fixture.ts'

describe('the vote on evictions', () => {
  const { digest } = randomContent(10)

  it('lets no blob go before a rule decides', async () => {
    expect(await evictionVote().mayEvict(digest)).toBe(false)
  })

  it('asks the rule from then on, also through what the store was given before', async () => {
    const vote = evictionVote()
    const { mayEvict } = vote
    vote.decideBy(async (asked) => asked === digest)
    expect(await mayEvict(digest)).toBe(true)
    expect(await mayEvict(randomContent(11).digest)).toBe(false)
  })
})
