import { describe, expect, test } from '@jest/globals'
import type { OriginClient, OriginCluster } from '../../../lib/api/index.ts'
import { appError, type ErrorCode, seededRandom } from '../../../lib/base/index.ts'
import type { Cluster } from '../../../lib/cluster/index.ts'
import { digestOf, parseRepository } from '../../../lib/core/index.ts'
import { originSessions } from '../../../services/proxy/origin-session.ts'

const repository = parseRepository('team/app')
const bytes = Buffer.from('a manifest')
const digest = digestOf(bytes)

/** Two origins; sessions are opened at the first one until it has failed. */
function twoOrigins(failure: ErrorCode) {
  const failed: string[] = []
  const committed: string[] = []
  const client = (member: string) =>
    ({
      appendUpload: async () => {
        if (member === 'origin-1') throw appError(failure)
      },
      commitUpload: async () => void committed.push(member),
    }) as unknown as OriginClient
  const origins = {
    at: client,
    createUpload: async () => ({ id: 'session', member: failed.length === 0 ? 'origin-1' : 'origin-2', size: 0 }),
  } as unknown as OriginCluster
  const cluster = {
    members: [{ id: 'origin-1' }, { id: 'origin-2' }],
    report: (member: string) => void failed.push(member),
  } as unknown as Cluster
  return { committed, sessions: originSessions({ origins, cluster, random: seededRandom(1) }) }
}

const append = ({ sessions }: ReturnType<typeof twoOrigins>) =>
  sessions.at({ id: 'session', member: 'origin-1' }, {}, (origin) =>
    origin.appendUpload(repository, 'session', { offset: 0, body: bytes }),
  )

describe('an upload whose origin', () => {
  test('is gone is lost', async () => {
    await expect(append(twoOrigins('PEER_CLOSED'))).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' })
  })

  test.each(['REQUEST_TIMEOUT', 'STALLED'] as const)('is late is an outage, not lost: %s', async (code) => {
    await expect(append(twoOrigins(code))).rejects.toMatchObject({ code })
  })

  test.each(['PEER_CLOSED', 'REQUEST_TIMEOUT', 'STALLED'] as const)(
    'fails with %s is begun anew at another one when the proxy has all of its bytes',
    async (code) => {
      const origins = twoOrigins(code)
      await origins.sessions.push(repository, { digest, bytes })
      expect(origins.committed).toEqual(['origin-2'])
    },
  )
})
