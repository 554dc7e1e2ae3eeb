import { expect, test } from '@jest/globals'
import { untilAborted } from '../../../lib/base/index.ts'
import { type HeldLease, heldWork, type Leases } from '../../../services/manager/database/index.ts'

/** A duty that is had and lost as the test says. */
function duties() {
  let work: Parameters<Leases['duty']>[1] = () => Promise.resolve()
  let end = new AbortController()
  let ended: Promise<void> = Promise.resolve()
  const leases: Leases = {
    duty(_name, given) {
      work = given
      return { start: () => Promise.resolve(), stop: () => Promise.resolve() }
    },
  }
  return {
    leases,
    have: (term: number) => {
      end = new AbortController()
      ended = work({ term } as HeldLease, end.signal)
    },
    lose: async () => {
      end.abort()
      await ended
    },
  }
}

test('work begins with each duty, hears what is asked while it lasts, and ends with it', async () => {
  const { leases, have, lose } = duties()
  const said: string[] = []
  const held = heldWork(leases, 'a duty', ({ term }) => ({
    start: async () => void said.push(`begins ${term}`),
    stop: async () => void said.push(`ends ${term}`),
    ask: () => void said.push(`asked ${term}`),
  }))
  held.ask()
  have(1)
  held.ask()
  await lose()
  held.ask()
  have(2)
  held.ask()
  await lose()
  expect(said).toEqual(['begins 1', 'asked 1', 'ends 1', 'begins 2', 'asked 2', 'ends 2'])
})

test('a signal that has fired is not waited for', async () => {
  await untilAborted(AbortSignal.abort())
  const end = new AbortController()
  const waited = untilAborted(end.signal)
  end.abort()
  await waited
})
