import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { deferred, seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { type PassThroughLab, passThroughLab } from '../../kit/pass-through-lab.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { slowPull } from '../../kit/slow-pull.ts'
import { steeredAgent } from '../../kit/steered-agent.ts'
import { upstreamLab } from '../../kit/upstream-lab.ts'

/** Which registries of others an agent serves, and to whom, while it runs. */

const stack = resourceStack()
afterAll(async () => stack[Symbol.asyncDispose]())

const image = imageFixture(seededRandom(91), [4000, 6_000_000])
const layer = image.layers.at(-1)!
const applied = { state: 'applied' }

/** The status with which a proxy answers a GET of a URL. */
async function viaProxy(proxy: string, url: string): Promise<number | undefined> {
  const { hostname: host, port } = new URL(proxy)
  const req = request({ host, port, path: url, agent: false }).end()
  const [res] = (await once(req, 'response')) as [IncomingMessage]
  res.resume()
  return res.statusCode
}

test('a registry is served from the setting on, also by an agent that starts again, until it is taken off; what had begun ends', async () => {
  const lab = stack.own(await upstreamLab({ overrides: ['agent.registry.upstreams=[]'] }))
  const fleet = stack.own(await steeredAgent(lab.topology))
  await pushImage(lab.upstream, 'team/app', image, ['v1'])
  const at = (what: string) => `/v2/team/app/${what}?ns=${lab.host}`
  const blob = at(`blobs/${layer.digest}`)
  const namespace = encodeURIComponent(`${lab.host}/team/app`)
  const paths = [at('manifests/v1'), blob, `/namespace/${namespace}/blobs/${layer.digest}`]
  const asked = () =>
    Promise.all(
      paths.map(async (path) => {
        const answer = await lab.agent.send('GET', path)
        return answer.status === 200 ? answer.body.length : answer.errorCode()
      }),
    )
  const served = [image.manifest.bytes.length, layer.bytes.length, layer.bytes.length]
  const off = ['NAME_UNKNOWN', 'NAME_UNKNOWN', 'BLOB_UNKNOWN']
  /** Of the forward proxy, which relays nothing to such a port. */
  const throughProxy = () =>
    viaProxy(lab.topology.url('agent-1', 'registry'), `http://${lab.host}/v2/team/app/manifests/v1`)
  expect(await asked()).toEqual(off)
  expect([await throughProxy(), lab.asked()]).toEqual([403, []])

  expect(await fleet.steer({ 'registry.upstreams': [lab.host], 'registry.upstreamWait': '31s' })).toEqual(applied)
  expect([await throughProxy(), await asked()]).toEqual([200, served])
  await Promise.all(['agent-1', 'tracker-1'].map((id) => lab.topology.stop(id)))
  await lab.topology.start('agent-1')
  expect(await asked()).toEqual(served)
  await lab.topology.start('tracker-1')

  const begun = await slowPull(lab.topology.url('agent-1', 'registry') + blob)
  await begun.readTo(1)
  expect(await fleet.steer({ 'registry.upstreamWait': '31s' })).toEqual(applied)
  expect([await throughProxy(), await asked()]).toEqual([403, off])
  expect(await begun.finish()).toBe(layer.digest)
})

test('what a client is given past the cluster comes to its end, whatever the list says meanwhile', async () => {
  const large = imageFixture(seededRandom(93), [500_000])
  const ends = deferred()
  const init = { users: { alice: /^team\// }, account: '', ends: ends.promise }
  const lab = stack.own(await passThroughLab(init))
  const fleet = stack.own(await steeredAgent(lab.topology))
  await pushImage(lab.registry.behind, 'team/app', large, ['v1'])
  const alice = await lab.registry.tokenOf('alice', 'team/app')
  const { digest } = large.layers[0]!
  const url = `${lab.topology.url('agent-1', 'registry')}/v2/team/app/blobs/${digest}`
  const begun = await slowPull(url, { authorization: alice })
  await begun.readTo(1)
  expect(await fleet.steer({ 'registry.upstreams': [lab.registry.host] })).toEqual(applied)
  expect((await lab.ask(alice, 'GET', '/v2/team/app/manifests/v1')).status).not.toBe(200)
  ends.resolve()
  expect(await begun.finish()).toBe(digest)
})

describe('who may read at a registry', () => {
  let lab: PassThroughLab
  let fleet: Awaited<ReturnType<typeof steeredAgent>>
  beforeAll(async () => {
    lab = stack.own(await passThroughLab({ users: { alice: /^team\//, bob: /^bob\// } }))
    fleet = stack.own(await steeredAgent(lab.topology))
    await pushImage(lab.registry.behind, 'team/app', image, ['v1'])
  })

  const paths = ['manifests/v1', `manifests/${image.manifest.digest}`, `blobs/${layer.digest}`]
  const statuses = (shown?: string) =>
    Promise.all(paths.map(async (path) => (await lab.ask(shown, 'GET', `/v2/team/app/${path}`)).status))
  const all = [200, 200, 200]
  const none = (status: number) => [status, status, status]
  const entry = (identity: string, more: object = {}) => ({
    'registry.upstreams': [
      { registry: lab.registry.host, plainHttp: true, wait: '20s', proofFor: '1h', identity, ...more },
    ],
  })
  const mirror = () => ({ 'registry.upstreams': [lab.registry.host] })
  const questions = (shown: string) =>
    lab.registry.seen.filter(({ authorization, line }) => authorization === shown && line.startsWith('HEAD')).length

  test('gets stricter at once, whatever was given to anybody before, and is in the cache', async () => {
    const [alice, bob] = [
      await lab.registry.tokenOf('alice', 'team/app'),
      await lab.registry.tokenOf('bob', 'team/app'),
    ]
    expect(await fleet.steer(mirror())).toEqual(applied)
    expect([await statuses(), await statuses(bob)]).toEqual([all, all])
    expect(await fleet.steer(entry('passThrough'))).toEqual(applied)
    expect([await statuses(), await statuses(bob), await statuses(alice)]).toEqual([none(401), none(401), all])
    expect((await lab.agent.send('GET', '/v2/')).status).toBe(401)
    expect(await fleet.steer(entry('publicOnly'))).toEqual(applied)
    expect([await statuses(), await statuses(alice)]).toEqual([none(404), none(404)])
    expect((await lab.agent.send('GET', '/v2/')).status).toBe(200)
  })

  test('is proven anew under every list of entries', async () => {
    const alice = await lab.registry.tokenOf('alice', 'team/app')
    expect(await fleet.steer(entry('passThrough', { stall: '31s' }))).toEqual(applied)
    expect(await statuses(alice)).toEqual(all)
    const before = questions(alice)
    expect(await statuses(alice)).toEqual(all)
    expect(questions(alice)).toBe(before)
    expect(await fleet.steer(entry('passThrough', { stall: '32s' }))).toEqual(applied)
    expect(await statuses(alice)).toEqual(all)
    expect(questions(alice)).toBeGreaterThan(before)
  })

  test('stays as it is where a list contradicts the file of the agent', async () => {
    expect(await fleet.steer(entry('passThrough', { stall: '33s' }))).toEqual(applied)
    const refused = await fleet.steer({ 'registry.upstreams': ['elsewhere.example'], 'registry.fill': true })
    expect(refused).toEqual({
      state: 'failed',
      message: 'registry.upstreams: registry.default must be own, none, or a registry that a pattern of upstreams fits',
    })
    expect(await statuses()).toEqual(none(401))
    expect(await statuses(await lab.registry.tokenOf('alice', 'team/app'))).toEqual(all)
  })
})
