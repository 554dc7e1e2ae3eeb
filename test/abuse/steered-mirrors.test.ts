import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../lib/base/index.ts'
import { pushImage } from '../contract/registry/running-registry.ts'
import { passwordOf } from '../kit/guarded-registry.ts'
import { imageFixture } from '../kit/image-fixture.ts'
import { listening } from '../kit/listening.ts'
import { type PassThroughLab, passThroughLab } from '../kit/pass-through-lab.ts'
import { basic } from '../kit/registry-access.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { type SteeredAgent, steeredAgent } from '../kit/steered-agent.ts'

/** Somebody may change the settings of a fleet, and wants what clients show to registries of others. */

const stack = resourceStack()
afterAll(async () => stack[Symbol.asyncDispose]())

const image = imageFixture(seededRandom(92), [4000])
const heard: (string | undefined)[] = []
let lab: PassThroughLab
let fleet: SteeredAgent
let elsewhere: string

beforeAll(async () => {
  lab = stack.own(await passThroughLab({ users: { alice: /^team\// } }))
  fleet = stack.own(await steeredAgent(lab.topology))
  await pushImage(lab.registry.behind, 'team/app', image, ['v1'])
  const server = createServer((req, res) => {
    heard.push(req.headers.authorization)
    res.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
  })
  elsewhere = stack.own(await listening(server)).host
})

describe('settings that lead clients who log in', () => {
  const known = () => ({ registry: lab.registry.host, plainHttp: true, wait: '20s', identity: 'passThrough' })
  test.each<[string, () => readonly object[]]>([
    ['to another server', () => [{ ...known(), url: `http://${elsewhere}` }]],
    ['without TLS to a registry that no file knows', () => [known(), { ...known(), registry: elsewhere }]],
    ['by an authority of their own', () => [{ ...known(), ca: '/etc/ssl/certs/ca-certificates.crt' }]],
    ['to addresses within', () => [{ ...known(), inner: true }]],
  ])('%s are refused by the agent, and nothing goes there', async (_, entries) => {
    const refused = await fleet.steer({ 'registry.upstreams': entries() })
    expect(refused).toEqual({
      state: 'failed',
      message: expect.stringContaining('how a registry is reached is said in the file'),
    })
    const shown = basic('alice', passwordOf('alice')).authorization
    for (const ns of [lab.registry.host, elsewhere]) {
      const { status } = await lab.ask(shown, 'GET', `/v2/team/app/manifests/v1?ns=${ns}`)
      expect([ns, status]).toEqual([ns, ns === elsewhere ? 404 : 200])
    }
    expect(heard).toEqual([])
  })
})
