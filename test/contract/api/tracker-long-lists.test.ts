import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { type AnnouncingPeer, adminClient, trackerAdmin, trackerClient } from '../../../lib/api/index.ts'
import { digestOf, ownRepository, parseRepositoryName, peerIdOf, swarmIdOf } from '../../../lib/core/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { controlFile } from '../../../services/tracker/control/control-file.ts'
import { trackerService } from '../../../services/tracker/index.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { trackerConfig } from '../../kit/tracker-config.ts'

/** The longest in JSON that a text of so many characters can be: six bytes for each. */
const longText = (length: number, number: number) => `${number}`.padEnd(length, '\u0001')

const digest = digestOf(Buffer.from('a layer'))
const repository = ownRepository(parseRepositoryName('team/app'))
const torrent = {
  ...{ swarmId: swarmIdOf(digest), digest, repository, event: 'started' as const },
  ...{ leftBytes: 1, wantPeers: 0, reports: [] },
}

const NODES = 1200
const MARKS = 1500

const nodeAt = (number: number): AnnouncingPeer => ({
  ...{ peerId: peerIdOf(`${number}`), key: `${number}`, port: 1 + number, role: 'agent' },
  zone: longText(255, number),
  labels: { rack: longText(255, number), host: longText(255, number), more: longText(255, number) },
})

function tracker() {
  return buildResource(async (stack) => {
    const folder = join(stack.own(await tempFolder('tracker')).path, 'tracker')
    const drains = Array.from({ length: MARKS }, (_, number) => ({
      ...{ target: peerIdOf(`${number}`), reason: longText(500, number), by: 'admin', atMs: 1 },
    }))
    const file = controlFile(folder)
    await file.load()
    await file.save(
      drains.map((mark) => ({ kind: 'drain', target: mark.target, version: { atMs: 1, by: 'tracker-1' }, mark })),
    )
    const service = trackerService(
      { logger: silentLogger() },
      await trackerConfig(stack, { folder, announce: { minInterval: '60s' } }),
    )
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    await service.start()
    const http = stack.own(disposableHttp())
    return { api: trackerClient(http, service.url), admin: adminClient(http, service.adminUrl, trackerAdmin) }
  })
}

/** Follows `next` to the end. */
async function all<Row>(
  read: (last: string | undefined) => Promise<{ rows: readonly Row[]; next?: string | undefined }>,
) {
  const rows: Row[] = []
  for (let page = await read(undefined); ; page = await read(page.next)) {
    rows.push(...page.rows)
    if (page.next === undefined) return rows
  }
}

test('every list of a tracker whose entries are as long as can be is read whole, page by page', async () => {
  await using it = await tracker()
  for (let number = 0; number < NODES; number += 8) {
    const some = Array.from({ length: 8 }, (_, i) => nodeAt(number + i))
    await Promise.all(some.map((peer) => it.api.announce({ peer, torrents: [torrent] })))
  }
  const ids = new Set(Array.from({ length: NODES }, (_, number) => peerIdOf(`${number}`)))
  const n = '1000'
  const hosts = await all(async (last) => {
    const { hosts: rows, next } = await it.admin.hosts({ n, last })
    return { rows, next }
  })
  expect(hosts).toHaveLength(NODES)
  expect(new Set(hosts.map(({ peerId }) => peerId))).toEqual(ids)
  const peers = await all(async (last) => {
    const { peers: rows, next } = await it.admin.swarm({ swarm: digest, n, last })
    return { rows, next }
  })
  expect(peers).toHaveLength(NODES)
  expect(new Set(peers.map(({ peerId }) => peerId))).toEqual(ids)
  const drains = await all(async (last) => {
    const { marks: rows, next } = await it.admin.drains({ n, last })
    return { rows, next }
  })
  expect(new Set(drains.map(({ target }) => target)).size).toBe(MARKS)
  expect(drains).toHaveLength(MARKS)
  const { zones, moreZones } = await it.admin.statistics({})
  expect(Object.keys(zones).length + moreZones).toBe(NODES)
})
