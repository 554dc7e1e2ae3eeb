import { describe, expect, it } from '@jest/globals'
import { leaving } from '../../../services/origin/upkeep/leaving.ts'

describe('whether a member leaves', () => {
  it('stays until it is told to leave, and says whether that was new', () => {
    const member = leaving()
    expect(member.state).toBe('staying')
    expect(member.leave()).toBe(true)
    expect(member.leave()).toBe(false)
    expect(member.state).toBe('leaving')
  })

  it('has left once all is handed over, and leaves again when something turns up', () => {
    const member = leaving()
    member.leave()
    member.settle(true)
    expect(member.state).toBe('left')
    expect(member.leave()).toBe(false)
    member.settle(false)
    expect(member.state).toBe('leaving')
  })

  it('takes it back, and then no walk makes it leave', () => {
    const member = leaving()
    member.leave()
    expect(member.stay()).toBe(true)
    expect(member.stay()).toBe(false)
    member.settle(true)
    expect(member.state).toBe('staying')
  })
})
