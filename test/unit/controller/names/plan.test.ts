import { describe, expect, test } from '@jest/globals'
import {
  type FoundRecord,
  type PlanInput,
  planOf,
  type Standing,
} from '../../../../services/controller/names/rules/plan.ts'

const NAME = 'c1.p2p.test'

const own = (address: string, given: Partial<FoundRecord> = {}): FoundRecord => ({
  ...{ name: NAME, address, ttl: 10, own: true },
  ...given,
})

const standings = (of: Readonly<Record<string, Standing>>) => (address: string) => of[address] ?? 'good'

interface Given extends Partial<PlanInput> {
  readonly wants?: readonly string[]
}

const plan = ({ wants = [], ...given }: Given) => {
  const all = { found: [], standing: standings({}), ttl: 10, power: 'leader' as const, ...given }
  const { put, remove } = planOf({ wanted: new Map([[NAME, wants]]), ...all })
  return { put: put.map(({ address }) => address), remove: remove.map(({ address }) => address) }
}

describe('the next step', () => {
  test('puts what is missing, and removes what is not needed only when all that is wanted is found', () => {
    expect(plan({ wants: ['1', '2'], found: [own('1'), own('9')] })).toEqual({ put: ['2'], remove: [] })
    expect(plan({ wants: ['1', '2'], found: [own('1'), own('2'), own('9')] })).toEqual({ put: [], remove: ['9'] })
  })

  test('removes what nobody must be sent to at once, as long as one stays that is good', () => {
    const standing = standings({ '8': 'dead', '9': 'bad' })
    expect(plan({ wants: ['1', '2'], found: [own('1'), own('8')], standing })).toEqual({ put: ['2'], remove: ['8'] })
    expect(plan({ found: [own('8'), own('9')], standing })).toEqual({ put: [], remove: [] })
    const unknown = standings({ '1': 'unknown', '8': 'dead' })
    expect(plan({ found: [own('1'), own('8')], standing: unknown })).toEqual({ put: [], remove: [] })
  })

  test('takes at most half of a name, and of one record nothing', () => {
    const bad = ['5', '6', '7', '8']
    const standing = standings(Object.fromEntries(bad.map((address) => [address, 'dead'] as const)))
    expect(plan({ wants: ['1'], found: [own('1'), ...bad.map((address) => own(address))], standing }).remove).toEqual([
      '5',
      '6',
    ])
    expect(plan({ found: [own('5')], standing }).remove).toEqual([])
  })

  test('changes nothing that is not ours, and does not double it', () => {
    const theirs = { own: false }
    const standing = standings({ '9': 'dead' })
    const found = [own('1'), own('9', theirs), own('2', { ...theirs, ttl: 600 })]
    expect(plan({ wants: ['1', '2'], found, standing })).toEqual({ put: [], remove: [] })
  })

  test('of who led last only takes out what does not answer, and less than half', () => {
    const standing = standings({ '7': 'bad', '8': 'dead', '9': 'dead' })
    const found = [own('1'), own('7'), own('8'), own('9')]
    expect(plan({ wants: ['1', '2'], found, standing, power: 'last' })).toEqual({ put: [], remove: ['8'] })
    const two = [own('1'), own('8')]
    expect(plan({ wants: ['1'], found: two, standing, power: 'last' }).remove).toEqual([])
  })

  test('gives a record the TTL that it is to have, where the zone keeps one for each', () => {
    expect(plan({ wants: ['1'], found: [own('1', { ttl: 600 })] })).toEqual({ put: ['1'], remove: [] })
    expect(plan({ wants: ['1'], found: [own('1', { ttl: undefined })] })).toEqual({ put: [], remove: [] })
  })

  test('does not count on a record that was removed and still shows', () => {
    const doubtful = own('1', { doubtful: true })
    const standing = standings({ '9': 'dead' })
    expect(plan({ wants: ['1'], found: [doubtful, own('9')], standing })).toEqual({ put: ['1'], remove: [] })
  })
})
