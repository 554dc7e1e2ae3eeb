import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { buffer, text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type ServiceKind, serviceKinds } from '../../../lib/service/index.ts'
import { type RecordingLogger, recordingLogger } from '../../../lib/telemetry/index.ts'
import { type HerdPlan, herdService, planHerd, portCount } from '../../../services/herd/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { secured } from '../../kit/every-service.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { randomContent } from '../../kit/store-fixture.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { testPorts } from '../../kit/test-ports.ts'
import { type TestAuthority, type TlsFolder, testAuthority, tlsFolder } from '../../kit/tls-authority.ts'

/** A cluster in which every listener, every call and every link between peers has TLS. */

const MIB = 1024 * 1024
const [ours, next, theirs] = [testAuthority('ours'), testAuthority('next'), testAuthority('theirs')]
const size = { agents: 3, origins: 1, trackers: 1 }
/** This agent has a certificate of another authority, which it alone trusts. */
const STRANGER = 'agent-3'

const stack = resourceStack()
let plan: HerdPlan
let files: TlsFolder
let stranger: RecordingLogger
/** The authority of the cluster now: a test changes it. */
let trusted: TestAuthority = ours

/** Runs these instances of the plan; they stop with the test. */
async function run(instances: HerdPlan, { config }: TlsFolder, logger = recordingLogger()): Promise<void> {
  const overrides = serviceKinds.flatMap((kind) => [
    `${kind}.tls=${JSON.stringify(config)}`,
    ...(kind === 'proxy' || kind === 'agent' ? [] : [`${kind}.http.clientCertificates=required`]),
  ])
  const { service } = await herdService(
    { logger, onPull: () => undefined },
    { plan: instances, overrides: [...overrides, 'agent.limits.download=6MB/s'] },
  )
  await service.start()
  stack.own({ [Symbol.asyncDispose]: () => service.stop() })
}

const only = (fits: (kind: ServiceKind, id: string) => boolean): HerdPlan =>
  Object.fromEntries(
    serviceKinds.map((kind) => [kind, plan[kind].filter(({ id }) => fits(kind, id))]),
  ) as unknown as HerdPlan

beforeAll(async () => {
  const data = stack.own(await tempFolder('tls-cluster')).path
  plan = secured(planHerd(size, await testPorts(portCount(size)), data))
  files = await tlsFolder(stack.own(await tempFolder('tls')).path, ours.issue(), [ours])
  await run(
    only((_, id) => id !== STRANGER),
    files,
  )
  stranger = recordingLogger()
  const foreign = await tlsFolder(stack.own(await tempFolder('tls')).path, theirs.issue(), [theirs])
  await run(
    only((_, id) => id === STRANGER),
    foreign,
    stranger,
  )
})
afterAll(async () => stack[Symbol.asyncDispose]())

const url = (kind: ServiceKind, index: number, listener: string) =>
  `https://127.0.0.1:${plan[kind][index]?.ports[listener] ?? 0}`

async function push(sizeBytes: number, seed: number) {
  const content = randomContent(sizeBytes, seed)
  const proxy = registryClient(url('proxy', 0, 'registry'), { ca: trusted.certificate })
  expect((await proxy.pushBlob('team/app', content.digest, content.bytes)).status).toBe(201)
  return { ...content, path: `/v2/team/app/blobs/${content.digest}` }
}

/** The answer of a listener, whose body has not been read yet. */
const get = (at: string, authority: TestAuthority): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request(at, { ca: authority.certificate, agent: false }, resolve).on('error', reject).end()
  })

async function metric(kind: ServiceKind, index: number, line: RegExp, authority: TestAuthority): Promise<number> {
  const page = await text(await get(`${url(kind, index, 'ops')}/metrics`, authority))
  return page.split('\n').flatMap((each) => (line.test(each) ? [Number(each.split(' ').at(-1))] : []))[0] ?? 0
}

const fromPeers = /^shoal_received_bytes_total\{.*from="peer"/

describe('a cluster with TLS everywhere', () => {
  test('pushes, pulls, and gives pieces from agent to agent', async () => {
    const blob = await push(6 * MIB, 1)
    for (const index of [0, 1]) {
      const answer = await get(url('agent', index, 'registry') + blob.path, trusted)
      expect([answer.statusCode, Buffer.compare(await buffer(answer), blob.bytes)]).toEqual([200, 0])
    }
    expect(await metric('agent', 1, fromPeers, trusted)).toBeGreaterThan(0)
  })

  test('gives nothing to a node with a certificate of another authority; its log says what to do', async () => {
    const blob = await push(1000, 2)
    const answer = await get(url('agent', 2, 'registry') + blob.path, theirs)
    const said = await text(answer)
    expect(answer.statusCode).toBe(503)
    expect(said).toContain('TLS_UNTRUSTED')
    const told = JSON.stringify(stranger.lines, (_, value: unknown) =>
      value instanceof Error ? { message: value.message, cause: value.cause } : value,
    )
    expect(told).toContain('tls.authorities')
  })

  test('changes its authority while a pull runs, which goes on; the next one uses the new one', async () => {
    const blob = await push(32 * MIB, 3)
    const answer = await get(url('agent', 0, 'registry') + blob.path, ours)
    const whole = buffer(answer)
    const taken = async (times: number) => {
      for (const kind of serviceKinds)
        for (const index of plan[kind].keys())
          if (plan[kind][index]?.id !== STRANGER)
            expect(await metric(kind, index, /^shoal_tls_reloads_total\{.*taken/, next)).toBe(times)
    }
    await files.write(next.issue(), [ours, next])
    await eventually(() => taken(1))
    expect(answer.readableEnded).toBe(false)
    await files.write(next.issue(), [next])
    await eventually(() => taken(2))
    trusted = next
    expect(Buffer.compare(await whole, blob.bytes)).toBe(0)
    const other = await get(url('agent', 1, 'registry') + blob.path, next)
    expect(Buffer.compare(await buffer(other), blob.bytes)).toBe(0)
    await expect(get(url('agent', 1, 'registry') + blob.path, ours)).rejects.toMatchObject({ code: expect.any(String) })
  })
})
