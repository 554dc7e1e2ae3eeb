import { describe, expect, test } from '@jest/globals'
import { appError, type ErrorCode } from '../../../lib/base/index.ts'
import { type Member, reportFailure, tryEach } from '../../../lib/cluster/index.ts'
import { clusterOf, someMembers } from '../../kit/cluster.ts'

/** Calls the members of a ring of three; `answers` has one answer for each member, in ring order. */
async function callAll(answers: readonly (ErrorCode | 'fine')[], isDefinite?: (err: unknown) => boolean) {
  const cluster = clusterOf(someMembers(3))
  const order = cluster.candidates('key').map(({ id }) => id)
  const asked: number[] = []
  const outcome = tryEach(
    cluster,
    'key',
    async ({ id }) => {
      const place = order.indexOf(id)
      asked.push(place)
      const answer = answers[place] as ErrorCode | 'fine'
      if (answer !== 'fine') throw appError(answer)
      return `from ${place}`
    },
    isDefinite === undefined ? {} : { isDefinite },
  )
  const result = await outcome.catch((err: unknown) => err)
  return { result, asked, cluster, order }
}

describe('trying each member', () => {
  test('asks only the first when it answers', async () => {
    const { result, asked } = await callAll(['fine', 'fine', 'fine'])
    expect(result).toBe('from 0')
    expect(asked).toEqual([0])
  })

  test('goes on to the next after a dead connection, a timeout, or a member that is no owner', async () => {
    for (const code of ['PEER_CLOSED', 'REQUEST_TIMEOUT', 'NOT_OWNER', 'UNKNOWN'] as const) {
      const { result, asked } = await callAll([code, 'fine', 'fine'])
      expect(result).toBe('from 1')
      expect(asked).toEqual([0, 1])
    }
  })

  test('stops at a definite answer', async () => {
    const { result, asked } = await callAll(['PEER_CLOSED', 'BLOB_UNKNOWN', 'fine'])
    expect(result).toMatchObject({ code: 'BLOB_UNKNOWN' })
    expect(asked).toEqual([0, 1])
  })

  test('lets the caller say what is definite', async () => {
    const { result } = await callAll(['BLOB_UNKNOWN', 'fine', 'fine'], () => false)
    expect(result).toBe('from 1')
  })

  test('an error on which all agree is thrown as it is', async () => {
    const { result } = await callAll(['BLOB_UNKNOWN', 'BLOB_UNKNOWN', 'BLOB_UNKNOWN'], () => false)
    expect(result).toMatchObject({ code: 'BLOB_UNKNOWN' })
  })

  test('an error on which all agree who answered is thrown as it is, though others are dead', async () => {
    const { result } = await callAll(['BLOB_UNKNOWN', 'PEER_CLOSED', 'NOT_OWNER'], () => false)
    expect(result).toMatchObject({ code: 'BLOB_UNKNOWN' })
  })

  test('when nobody is left and answers differ it says what each of them did', async () => {
    const { result, order } = await callAll(['DIGEST_REFUSED', 'BLOB_UNKNOWN', 'REQUEST_TIMEOUT'], () => false)
    expect(result).toMatchObject({
      code: 'NO_HEALTHY_MEMBER',
      cause: { code: 'REQUEST_TIMEOUT' },
      detail: {
        steps: [
          { member: order[0], code: 'DIGEST_REFUSED' },
          { member: order[1], code: 'BLOB_UNKNOWN' },
          { member: order[2], code: 'REQUEST_TIMEOUT' },
        ],
      },
    })
  })

  test('when all connections fail it is the cluster that does not answer', async () => {
    const { result } = await callAll(['PEER_CLOSED', 'PEER_CLOSED', 'PEER_CLOSED'])
    expect(result).toMatchObject({ code: 'NO_HEALTHY_MEMBER' })
  })

  test('counts failures of a member, and not answers we dislike, against its health', async () => {
    const cluster = clusterOf(someMembers(1))
    const fail = (code: ErrorCode) =>
      tryEach(cluster, 'key', () => Promise.reject(appError(code))).catch(() => undefined)
    for (let i = 0; i < 3; i += 1) await fail('BLOB_UNKNOWN')
    for (let i = 0; i < 3; i += 1) await fail('BACKEND_UNAVAILABLE')
    expect(cluster.isHealthy('m0')).toBe(true)
    for (let i = 0; i < 3; i += 1) await fail('PEER_CLOSED')
    expect(cluster.isHealthy('m0')).toBe(false)
  })

  test.each([
    'TOOMANYREQUESTS',
    'STORE_FULL',
    'JOURNAL_FULL',
    'WRITE_BACK_FULL',
    'ORIGIN_BUSY',
    'BACKEND_THROTTLED',
    'UPLOAD_CONFLICT',
    'ABORTED',
  ] as const)('load and what was cancelled are no sickness: %s', (code) => {
    const cluster = clusterOf(someMembers(1))
    const [member] = cluster.members
    for (let i = 0; i < 10; i += 1) reportFailure(cluster, member!, appError(code))
    expect(cluster.isHealthy(member!.id)).toBe(true)
  })

  test('a cancelled call does not make a sick member well either', () => {
    const cluster = clusterOf(someMembers(1))
    const [member] = cluster.members
    for (let i = 0; i < 10; i += 1) reportFailure(cluster, member!, appError('PEER_CLOSED'))
    reportFailure(cluster, member!, appError('ABORTED'))
    expect(cluster.isHealthy(member!.id)).toBe(false)
  })

  test('does not ask members again that have failed before, and names them in the error', async () => {
    const cluster = clusterOf(someMembers(2))
    const [first, second] = cluster.candidates('key') as [Member, Member]
    const after = [{ member: first, err: appError('STALLED') }]
    expect(await tryEach(cluster, 'key', async ({ id }) => id, { after })).toBe(second.id)
    const refused = tryEach(cluster, 'key', () => Promise.reject(appError('PEER_CLOSED')), { after })
    await expect(refused).rejects.toMatchObject({ detail: { steps: [{ code: 'STALLED' }, { code: 'PEER_CLOSED' }] } })
  })

  test('an abort by the caller ends it at once and blames nobody', async () => {
    const cluster = clusterOf(someMembers(3))
    const controller = new AbortController()
    let calls = 0
    const outcome = tryEach(
      cluster,
      'key',
      () => {
        calls += 1
        controller.abort()
        return Promise.reject(appError('ABORTED'))
      },
      { signal: controller.signal },
    )
    await expect(outcome).rejects.toMatchObject({ code: 'ABORTED' })
    expect(calls).toBe(1)
    await expect(tryEach(cluster, 'key', async () => 1, { signal: controller.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    })
  })
})
