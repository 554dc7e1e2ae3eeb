import { expect, test } from '@jest/globals'
import { type OutcomeRow, outcomeByStatus, outcomeOf } from '../../../lib/backend/outcomes.ts'
import { hasCode } from '../../../lib/base/index.ts'
import type { BackendRequests, World } from './backend-world.ts'

/** Statuses that represent the rest of their class. */
const OTHERS = [400, 402, 413, 415, 418, 422, 431, 451, 500, 502, 503, 504, 507]

interface Answer extends OutcomeRow {
  readonly status: number
  readonly reason?: string
}

/** The table of outcomes, row by row: an answer of a backend means the same with every driver. */
export function outcomeRules(world: World): void {
  test('each status and each name of the backend has the outcome and code of the table, and only what may pass is tried again', async () => {
    const { requests } = world.subject
    if (requests === undefined) return
    const key = await world.put('k', 'content')
    for (const answer of answersOf(requests)) {
      const { status, reason, outcome, code } = answer
      const fault = requests.faults.next({ times: Number.POSITIVE_INFINITY }, requests.refusal(status, reason))
      const seen = await world.backend.read(key).then(
        (found) => (found === undefined ? 'absent' : 'found'),
        (err: unknown) => (hasCode(err, code) ? code : err),
      )
      const tries = { refusal: 1, rate: 3, outage: 3 }
      // After a 404 a driver may ask a second time elsewhere, and after a 416 the object may be empty.
      const isPlain = outcome !== 'absence' && status !== 416
      const expected = isPlain ? { seen: code, tries: tries[outcome] } : { seen: status === 416 ? code : 'absent' }
      fault.cancel()
      expect({ status, reason, seen, tries: fault.met }).toMatchObject({ status, reason, ...expected })
    }
    expect(await world.get(key)).toBe('content')
  })
}

function answersOf({ names }: BackendRequests): readonly Answer[] {
  const statuses = [...Object.keys(outcomeByStatus).map(Number), ...OTHERS]
  return [
    ...statuses.map((status) => ({ status, ...outcomeOf({ status }) })),
    ...Object.entries(names).map(([reason, row]) => ({ status: 400, reason, ...row })),
  ]
}
