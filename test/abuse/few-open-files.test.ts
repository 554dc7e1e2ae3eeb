import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test } from '@jest/globals'
import { digestOf } from '../../lib/core/index.ts'
import { cipherBytes } from '../kit/cipher-bytes.ts'
import { compiledScript } from '../kit/compiled-script.ts'
import { eventually } from '../kit/eventually.ts'
import { registryClient } from '../kit/registry-client.ts'
import { startProcess } from '../kit/start-process.ts'
import { startTopology, type Topology } from '../kit/topology.ts'

/** A process that may open few files, and somebody who takes all that he can get. */

const OPEN_FILES = 256
const project = join(import.meta.dirname, '..', '..')

const sockets = new Set<Socket>()
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
})

/** Opens connections and says nothing; resolves when each was opened or refused. */
async function occupy(url: string, count: number): Promise<void> {
  const open = () =>
    new Promise<void>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), localAddress: '127.0.0.2' })
      sockets.add(socket)
      socket.on('error', () => resolve()).once('connect', () => resolve())
    })
  await Promise.all(Array.from({ length: count }, open))
}

/** The agent of the topology, in a shell that lets it open few files. */
async function startLimited(shoal: Topology) {
  const config = shoal.plan.agent[0]?.config ?? {}
  const sets = Object.entries(config).flatMap(([key, value]) => ['--set', `${key}=${JSON.stringify(value)}`])
  const program = await compiledScript('services/agent/main.ts')
  return startProcess({
    command: '/bin/sh',
    args: [...['-c', `ulimit -n ${OPEN_FILES} && exec "$@"`, 'sh'], ...[process.execPath, program, ...sets]],
    cwd: project,
    async ready(_output, signal) {
      const answer = await fetch(`${shoal.url('agent-1', 'ops')}/readyz`, { signal })
      if (!answer.ok) throw new Error(`not ready: ${answer.status}`)
    },
    readyTimeoutMs: 60_000,
  })
}

test('an agent that may open few files serves what it has, and answers probes, while idle connections fill every port', async () => {
  await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, processes: [], later: ['agent-1'] })
  await using agent = await startLimited(shoal)
  const blobs = Array.from({ length: 4 }, (_, index) => cipherBytes(`blob ${index}`, 3_000_000))
  const proxy = registryClient(shoal.url('proxy-1', 'registry'))
  const client = registryClient(shoal.url('agent-1', 'registry'))
  const pull = (bytes: Buffer) => client.send('GET', `/v2/team/app/blobs/${digestOf(bytes)}`)
  for (const bytes of blobs) await proxy.pushBlob('team/app', digestOf(bytes), bytes)
  for (const bytes of blobs) expect((await pull(bytes)).status).toBe(200)
  for (const listener of ['registry', 'ops', 'admin', 'peer']) await occupy(shoal.url('agent-1', listener), 300)
  for (let round = 0; round < 5; round += 1) {
    const answers = await Promise.all(blobs.map(pull))
    expect(answers.map(({ status }) => status)).toEqual(blobs.map(() => 200))
    expect(answers.map(({ body }, index) => Buffer.compare(body, blobs[index]!))).toEqual(blobs.map(() => 0))
    expect((await fetch(`${shoal.url('agent-1', 'ops')}/healthz`)).status).toBe(200)
  }
  await eventually(async () =>
    expect(await shoal.counter('agent-1', 'shoal_http_limited_total', 'limit="connections"')).toBeGreaterThan(500),
  )
  const logs = agent.output().stdout
  expect(logs).toContain(`"openFiles":${OPEN_FILES}`)
  expect(logs).not.toMatch(/STORE_CORRUPT|EMFILE|FILES_EXHAUSTED/)
})
