import { describe, expect, test } from '@jest/globals'
import {
  claimedSpec,
  freeFrom,
  leaseRecord,
  returnedSpec,
} from '../../../services/controller/kubernetes/lease-record.ts'

const lease = (spec: unknown) => ({ metadata: { name: 'one' }, spec })
const claim = { identity: 'me', leaseMs: 15_000, nowMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678) }
const now = '2026-01-02T03:04:05.678000Z'
const held = { holderIdentity: 'other', leaseDurationSeconds: 20, leaseTransitions: 4, acquireTime: 'then', extra: 1 }

describe('a lease', () => {
  test.each([
    [held, { holder: 'other', leaseMs: 20_000, transitions: 4 }],
    [undefined, { holder: undefined, leaseMs: undefined, transitions: 0 }],
    [{ holderIdentity: '' }, { holder: undefined, leaseMs: undefined, transitions: 0 }],
    [
      { holderIdentity: 7, leaseDurationSeconds: -1, leaseTransitions: 'x' },
      { holder: undefined, leaseMs: undefined, transitions: 0 },
    ],
  ])('of %j is read as %j', (spec, record) => {
    expect(leaseRecord(lease(spec))).toEqual(record)
  })

  test.each([
    ['nobody has seen it', undefined, undefined],
    ['it was given back', { record: leaseRecord(lease({})), sinceMs: 5 }, undefined],
    ['it is the own one', { record: leaseRecord(lease({ ...held, holderIdentity: 'me' })), sinceMs: 5 }, undefined],
    ['another has it: by what he says', { record: leaseRecord(lease(held)), sinceMs: 5 }, 20_005],
    [
      'another has it who says less',
      { record: leaseRecord(lease({ ...held, leaseDurationSeconds: 1 })), sinceMs: 5 },
      15_005,
    ],
  ])('may be taken, when %s', (_, seen, freeMs) => {
    expect(freeFrom(seen, claim)).toBe(freeMs)
  })

  test('that is taken says since when, and counts the change of hands', () => {
    expect(claimedSpec(lease(held), claim)).toEqual({
      ...{
        holderIdentity: 'me',
        leaseDurationSeconds: 15,
        acquireTime: now,
        renewTime: now,
        leaseTransitions: 5,
        extra: 1,
      },
    })
    expect(claimedSpec(undefined, claim)).toMatchObject({ holderIdentity: 'me', leaseTransitions: 0 })
  })

  test('that is renewed keeps when it was taken', () => {
    const own = { ...held, holderIdentity: 'me' }
    expect(claimedSpec(lease(own), claim)).toEqual({ ...own, leaseDurationSeconds: 15, renewTime: now })
  })

  test('that is given back belongs to nobody', () => {
    const returned = returnedSpec(lease({ ...held, holderIdentity: 'me' }), claim.nowMs)
    expect(returned).toMatchObject({
      holderIdentity: null,
      leaseDurationSeconds: 1,
      renewTime: now,
      leaseTransitions: 4,
    })
  })
})
