import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { torrentCluster } from '../../../lib/api/index.ts'
import { digestHex, parseRepository } from '../../../lib/core/index.ts'
import { aria2 } from '../../kit/aria2.ts'
import { clusterOf } from '../../kit/cluster.ts'
import { eventually } from '../../kit/eventually.ts'
import { pullSame } from '../../kit/pull-same.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { startTopology } from '../../kit/topology.ts'

const MIB = 1024 * 1024

describe('aria2c in a swarm of ours', () => {
  test('gets a blob from origin and agent, and then an agent gets it from aria2c alone', async () => {
    await using shoal = await startTopology({
      ...{ agents: 2, origins: 1, trackers: 1, processes: [], later: ['agent-2'] },
      overrides: ['origin', 'tracker', 'agent'].map((kind) => `${kind}.swarm.foreignPeers=true`),
    })
    const blob = await pushBlobOf(shoal, 'team/app', 3 * MIB + 12_345)
    await pullSame(shoal.url('agent-1', 'registry') + blob.path, blob.bytes)
    const sent = async () => {
      const each = ['origin-1', 'agent-1'].map((id) => shoal.counter(id, 'shoal_sent_bytes_total', 'to="peer"'))
      return (await Promise.all(each)).reduce((sum, bytes) => sum + bytes, 0)
    }
    const before = await sent()

    await using http = disposableHttp()
    const cluster = clusterOf([{ id: 'origin-1', url: shoal.url('origin-1') }])
    const torrent = join(shoal.data, 'blob.torrent')
    await writeFile(torrent, await torrentCluster({ http, cluster }).torrent(parseRepository('team/app'), blob.digest))
    const folder = join(shoal.data, 'aria2')
    await mkdir(folder)
    await using stock = await aria2({ folder, torrent, port: 26_500 })
    const file = join(folder, digestHex(blob.digest))
    await eventually(async () => expect((await readFile(file)).equals(Buffer.from(blob.bytes))).toBe(true))
    expect((await sent()) - before).toBeGreaterThanOrEqual(blob.size)
    await eventually(async () =>
      expect(await shoal.counter('tracker-1', 'shoal_tracker_announces_total', 'event="completed"')).toBeGreaterThan(0),
    )

    await Promise.all(['origin-1', 'agent-1'].map((id) => shoal.stop(id)))
    await shoal.start('agent-2')
    await pullSame(shoal.url('agent-2', 'registry') + blob.path, blob.bytes)
    expect(await shoal.counter('agent-2', 'shoal_received_bytes_total', 'from="peer"')).toBe(blob.size)
    expect(stock.pid).not.toBe(0)
  })
})
