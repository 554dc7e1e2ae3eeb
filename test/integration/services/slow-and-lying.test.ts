import { expect, test } from '@jest/globals'
import { adminClient, type TracedPull, trackerAdmin } from '../../../lib/api/index.ts'
import { run } from '../../../services/cli/run.ts'
import { eventually } from '../../kit/eventually.ts'
import { gatedStore } from '../../kit/gated-store.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { recordingHost } from '../../kit/recording-host.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { pullDigest } from '../../kit/slow-pull.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'
import { peerAddress, untilNamed } from '../../kit/until-named.ts'

const MIB = 1024 * 1024
const SIZE = 16 * MIB
const agents = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => `agent-${from + at}`)
const [SLOW, LIAR, HONEST, PULLERS] = ['agent-1', 'agent-2', agents(3, 4), agents(5, 10)] as const
/** Comes when the swarm has learned whom to leave out. */
const LATE = 'agent-11'

async function explain(shoal: Topology, agent: string, ...words: readonly string[]): Promise<string> {
  const host = recordingHost()
  expect(await run(['explain', ...words, '--url', shoal.url(agent, 'admin')], host)).toBe(0)
  return host.said
}

/** The only pull of the blob at an agent. */
async function pullAt(shoal: Topology, agent: string, digest: string): Promise<TracedPull> {
  const { pulls } = JSON.parse(await explain(shoal, agent, digest, '--json')) as { pulls: TracedPull[] }
  const [pull, ...more] = pulls
  expect([pull?.outcome, more]).toEqual(['done', []])
  return pull as TracedPull
}

test('of ten agents one at a crawl and one that lies leave the lists, the pulls complete, and all is told', async () => {
  const gate = gatedStore()
  await using http = disposableHttp()
  await using shoal = await startTopology({
    ...{ agents: 11, origins: 1, trackers: 1, processes: [] },
    overrides: ['tracker.announce.minInterval=1s', 'tracker.announce.maxInterval=1s'],
    more: (kind, id) => (kind === 'agent' ? { limits: { upload: id === SLOW ? '1KB/s' : '40MB/s' } } : {}),
    agentParts: (id) => (id === LIAR ? { wrapStore: (store) => gate.wrap(store) } : {}),
  })
  const blob = await pushBlobOf(shoal, 'team/ten', SIZE)
  const pull = (agent: string) => pullDigest(shoal.url(agent, 'registry') + blob.path)
  // The slow one comes last: on a busy machine those who pull after it would put it out before the test begins.
  for (const agent of [LIAR, ...HONEST, SLOW]) await pull(agent)
  // Started again, it has nothing in memory and gives what is in its store.
  await shoal.stop(LIAR)
  await shoal.start(LIAR)
  await untilNamed(shoal, blob.digest, [SLOW, LIAR, ...HONEST])
  gate.corrupt(() => true)

  // The pulls complete, with the right bytes.
  expect(await Promise.all(PULLERS.map(pull))).toEqual(PULLERS.map(() => blob.digest))

  // The admin API says of both that they are out, and why; and of nobody else.
  const tracker = adminClient(http, shoal.url('tracker-1', 'admin'), trackerAdmin)
  const hostOf = async (agent: string) => {
    const { hosts } = await tracker.hosts({})
    return hosts.find(({ host, port }) => `${host}:${port}` === peerAddress(shoal, agent))
  }
  await eventually(async () => {
    const [slow, liar] = [await hostOf(SLOW), await hostOf(LIAR)]
    expect(slow?.health).toMatchObject({
      state: 'out',
      why: expect.stringMatching(/^(slow|failing): \d of \d askers /),
    })
    expect(liar?.health).toMatchObject({ state: 'out', why: expect.stringMatching(/^failing: \d of \d askers /) })
  })
  for (const agent of [...HONEST, ...PULLERS]) expect((await hostOf(agent))?.health).toEqual({ state: 'good' })
  // So do the peers of the swarm.
  const { peers } = await tracker.swarm({ swarm: blob.digest })
  const out = peers.filter(({ health }) => health?.state === 'out')
  expect(out.map(({ host, port }) => `${host}:${port}`).toSorted()).toEqual(
    [peerAddress(shoal, SLOW), peerAddress(shoal, LIAR)].toSorted(),
  )
  for (const { health } of out) expect(health?.why).toMatch(/ of \d askers /)

  const sheet = recordingHost()
  expect(await run(['admin', 'tracker', 'hosts', '--url', shoal.url('tracker-1', 'admin')], sheet)).toBe(0)
  for (const { peerId, health } of out) {
    const row = sheet.said.split('\n').find((line) => line.startsWith(peerId))
    expect(row).toContain(`out: ${health?.why}`)
  }

  // `explain` names both in words, at as many as it takes to put one out.
  const told = await Promise.all(PULLERS.map((agent) => explain(shoal, agent, blob.digest)))
  const explainedAt = (words: string) => told.filter((text) => new RegExp(words).test(text)).length
  const [slowAt, liarAt] = [SLOW, LIAR].map((agent) => `the peer at ${peerAddress(shoal, agent)}`)
  expect(explainedAt(`${slowAt} gave .*(came sooner from another|in time)`)).toBeGreaterThanOrEqual(3)
  expect(explainedAt(`${liarAt} gave .*; \\d+ pieces? with bytes from it w`)).toBeGreaterThanOrEqual(3)

  // Nobody is told of them for another pull.
  expect(await pull(LATE)).toBe(blob.digest)
  const late = await pullAt(shoal, LATE, blob.digest)
  const addresses = late.sources.map(({ address }) => address)
  expect(addresses).not.toContain(peerAddress(shoal, SLOW))
  expect(addresses).not.toContain(peerAddress(shoal, LIAR))
  expect(late.sources.map(({ wrong }) => wrong)).toEqual(addresses.map(() => 0))
})
