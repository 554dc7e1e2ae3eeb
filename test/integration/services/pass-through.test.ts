import { expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { passwordOf } from '../../kit/guarded-registry.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { type PassThroughLab, passThroughLab } from '../../kit/pass-through-lab.ts'
import { basic } from '../../kit/registry-access.ts'
import { everySecret, secretOverrides } from '../../kit/secrets.ts'

/** Registries that decide themselves who may read what of theirs an agent has. */

const image = imageFixture(seededRandom(81), [4000, 300_000])
const blobs = [image.config, ...image.layers]
const users = { alice: /^team\//, carol: /^team\//, bob: /^bob\// }

/** As containerd pulls, and what came of it. */
async function pull({ ask }: PassThroughLab, shown: string | undefined, name = 'team/app') {
  const tag = await ask(shown, 'HEAD', `/v2/${name}/manifests/v1`)
  const manifest = await ask(shown, 'GET', `/v2/${name}/manifests/${image.manifest.digest}`)
  const got = await Promise.all(blobs.map(({ digest }) => ask(shown, 'GET', `/v2/${name}/blobs/${digest}`)))
  return {
    statuses: [tag, manifest, ...got].map(({ status }) => status),
    isRight: [manifest, ...got].every(({ body }, i) => body.equals([image.manifest, ...blobs][i]!.bytes)),
  }
}

const whole = { statuses: [200, 200, 200, 200, 200], isRight: true }
const refusedWith = (status: number) => ({ statuses: [status, status, status, status, status], isRight: false })

const labWith = async (init: Partial<Parameters<typeof passThroughLab>[0]> = {}, name = 'team/app') => {
  const lab = await passThroughLab({ users, ...init })
  await pushImage(lab.registry.behind, name, image, ['v1'])
  return lab
}

/** What the registry was asked in the name of others, as `HEAD /v2/... 200`. */
const askedBy = ({ registry }: PassThroughLab, shown: string) =>
  registry.seen.filter(({ authorization }) => authorization === shown).map(({ line, status }) => `${line} ${status}`)

test('costs each client one question, and the bytes come once for all of them', async () => {
  await using lab = await labWith()
  const { registry } = lab
  const [alice, carol] = [await registry.tokenOf('alice', 'team/app'), await registry.tokenOf('carol', 'team/app')]
  expect(await pull(lab, alice)).toEqual(whole)
  expect(await pull(lab, carol)).toEqual(whole)
  for (const shown of [alice, carol]) expect(askedBy(lab, shown)).toEqual(['HEAD /v2/team/app/manifests/v1 200'])
  const gets = registry.seen.filter(({ line, status }) => line.startsWith('GET') && status < 300)
  expect(gets.map(({ line }) => line).toSorted()).toEqual(
    [
      `GET /v2/team/app/manifests/${image.manifest.digest}`,
      ...blobs.map(({ digest }) => `GET /v2/team/app/blobs/${digest}`),
    ].toSorted(),
  )
  expect(await lab.topology.counter('agent-1', 'shoal_right_proofs_total', 'outcome="given"')).toBe(2)
  const tags = await lab.ask(alice, 'GET', '/v2/team/app/tags/list')
  expect(tags.json()).toEqual({ name: 'team/app', tags: ['v1'] })
})

test('a blob that is asked for before any manifest is proven by itself, and proves nothing else', async () => {
  await using lab = await labWith()
  const alice = await lab.registry.tokenOf('alice', 'team/app')
  for (const { digest } of [...blobs, ...blobs]) {
    expect((await lab.ask(alice, 'GET', `/v2/team/app/blobs/${digest}`)).status).toBe(200)
  }
  expect(askedBy(lab, alice)).toEqual(blobs.map(({ digest }) => `HEAD /v2/team/app/blobs/${digest} 200`))
})

test('when the registry is away, what was proven a short while ago counts, and nothing else', async () => {
  await using lab = await labWith()
  const { registry } = lab
  const alice = await registry.tokenOf('alice', 'team/app')
  const [other, bob] = [await registry.tokenOf('carol', 'team/app'), await registry.tokenOf('bob', 'team/app')]
  expect(await pull(lab, alice)).toEqual(whole)
  await registry.kill()
  expect(await pull(lab, alice)).toEqual(whole)
  for (const shown of [undefined, other, bob]) {
    expect(await pull(lab, shown)).toEqual(refusedWith(503))
    expect(await pull(lab, shown, 'team/not')).toEqual(refusedWith(503))
  }
  expect((await lab.agent.send('GET', '/v2/')).status).toBe(503)
})

test.each([
  ['none', ''],
  ['one that may not read it', 'bob'],
])(
  'where the account of the cluster is %s, a client gets what it may read itself, and nobody keeps it',
  async (_, account) => {
    await using lab = await labWith({ account })
    const { registry, topology } = lab
    expect(await pull(lab, await registry.tokenOf('alice', 'team/app'))).toEqual(whole)
    const part = await lab.ask(
      await registry.tokenOf('alice', 'team/app'),
      'GET',
      `/v2/team/app/blobs/${image.layers[1]!.digest}`,
      {
        range: 'bytes=10-19',
      },
    )
    expect([part.status, part.body.equals(image.layers[1]!.bytes.subarray(10, 20))]).toEqual([206, true])
    const held = await fetch(`${topology.url('agent-1', 'admin')}/blobs`)
    expect(await held.json()).toMatchObject({ blobs: [], partials: [] })
    expect(await pull(lab, await registry.tokenOf('bob', 'team/app'))).toEqual(refusedWith(401))
  },
)

test('a name and a password do at a registry that asks for tokens, and at one that asks for them', async () => {
  const [alice, bob] = [basic('alice', passwordOf('alice')), basic('bob', passwordOf('bob'))].map(
    (each) => each.authorization,
  )
  for (const asksItself of [false, true]) {
    await using lab = await labWith({ basic: asksItself })
    expect(await pull(lab, alice)).toEqual(whole)
    expect(await pull(lab, bob)).toEqual(refusedWith(401))
    const answer = await lab.ask(bob, 'GET', '/v2/team/app/manifests/v1')
    expect(answer.headers['www-authenticate']).toMatch(asksItself ? /^Basic realm=/ : /^Bearer realm=/)
  }
})

test('with public only, everybody gets what anybody gets there, and nothing of what the account may read', async () => {
  await using lab = await labWith({ anonymous: /^open\//, entry: { identity: 'publicOnly' } })
  const { registry } = lab
  await pushImage(registry.behind, 'open/app', image, ['v1'])
  const alice = await registry.tokenOf('alice', 'team/app')
  for (const shown of [undefined, alice, 'Bearer a.b.c']) {
    expect(await pull(lab, shown, 'open/app')).toEqual(whole)
    expect(await pull(lab, shown, 'team/app')).toEqual(refusedWith(404))
  }
  expect((await lab.ask(alice, 'GET', '/v2/open/app/tags/list')).status).toBe(200)
  expect((await lab.ask(alice, 'GET', '/v2/team/app/tags/list')).status).toBe(404)
  expect((await lab.agent.send('GET', '/v2/')).status).toBe(200)
  expect(askedBy(lab, alice)).toEqual([])
})

test('in a cluster with secrets clients show what the registry wants, and no secret of ours ever goes there', async () => {
  await using lab = await labWith({ overrides: () => secretOverrides() })
  const { registry } = lab
  expect(await pull(lab, await registry.tokenOf('alice', 'team/app'))).toEqual(whole)
  expect(await pull(lab, await registry.tokenOf('bob', 'team/app'))).toEqual(refusedWith(401))
  for (const shown of [
    `Bearer ${everySecret.read}`,
    basic('docker', everySecret.read).authorization,
    `Bearer ${everySecret.node}`,
  ]) {
    expect(await pull(lab, shown)).toEqual(refusedWith(401))
    expect(askedBy(lab, shown)).toEqual([])
  }
})
