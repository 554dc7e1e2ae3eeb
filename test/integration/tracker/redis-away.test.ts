import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { trackerClient } from '../../../lib/api/index.ts'
import { seededRandom } from '../../../lib/base/index.ts'
import { parseConfig } from '../../../lib/config/index.ts'
import { parseRepository } from '../../../lib/core/index.ts'
import { recordingLogger, recordingMetrics } from '../../../lib/telemetry/index.ts'
import { trackerSchema, trackerService } from '../../../services/tracker/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { provenPeer, wantedBlob } from '../../kit/sharing-trackers.ts'

const blob = wantedBlob('wanted')
const repository = parseRepository('library/nginx')

/** A tracker, and in the place of its redis a server that answers so; without an answer, there is no server. */
const tracker = (answer: string | undefined) =>
  buildResource(async (stack) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).on('data', () => socket.write(answer ?? ''))
      sockets.add(socket)
    })
    const sockets = new Set<{ destroy(): unknown }>()
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const close = async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    }
    stack.own({ [Symbol.asyncDispose]: close })
    if (answer === undefined) await close()
    const any = { bind: '127.0.0.1:auto' }
    const store = { driver: 'redis', url: `redis://127.0.0.1:${port}` }
    const parts = { metrics: recordingMetrics(), logger: recordingLogger(), random: seededRandom(1) }
    const service = trackerService(parts, parseConfig(trackerSchema, { http: any, ops: any, admin: any, store }))
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    await service.start()
    const client = trackerClient(stack.own(disposableHttp()), service.url)
    return { ...parts, service, client }
  })

describe('a tracker whose redis', () => {
  test.each([
    ['is not there', undefined],
    ['speaks another language', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['wants a password', '-NOAUTH Authentication required.\r\n'],
    ['has no end in what it says', `*${2 ** 30}\r\n`],
  ])('%s starts, is ready with a note, and keeps its peers in memory', async (_how, answer) => {
    await using it = await tracker(answer)
    const torrent = { ...blob, repository, event: 'started', leftBytes: 1, wantPeers: 5, reports: [] } as const
    const first = provenPeer()
    await it.client.announce({ peer: first, torrents: [torrent] })
    const [told] = await it.client.announce({ peer: provenPeer(), torrents: [torrent] })
    expect(told?.peers.map(({ peerId }) => peerId)).toEqual([first.peerId])
    await eventually(async () => {
      const ready = await fetch(`${it.service.opsUrl}/readyz`)
      const notes = { store: expect.stringMatching(/^redis is away; peers are in memory only \(/) }
      expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready', notes }])
    })
    expect(it.metrics.value('shoal_tracker_store_up')).toBe(0)
    expect(it.logger.lines.filter(({ message }) => message.startsWith('redis'))).toHaveLength(1)
  })
})
