import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { seededRandom } from '../../lib/base/index.ts'
import { pushImage } from '../contract/registry/running-registry.ts'
import { passwordOf } from '../kit/guarded-registry.ts'
import { imageFixture } from '../kit/image-fixture.ts'
import { passThroughLab } from '../kit/pass-through-lab.ts'
import { basic } from '../kit/registry-access.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { type TappedWay, tappedWay } from '../kit/tapped-way.ts'

const image = imageFixture(seededRandom(77), [4000, 100_000])

/** Everything in the files below a folder, one character for each byte. */
async function contentOf(folder: string): Promise<string> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const read = files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), 'latin1'))
  return (await Promise.all(read)).join('\n')
}

test('what clients show to a registry stands in no log, no answer of the agent and on no disk, and goes to nobody else', async () => {
  await using stack = resourceStack()
  const ways = new Map<string, TappedWay>()
  const membersBy = (id: string) => ({ members: [{ id, url: ways.get(id)?.url ?? '' }] })
  await using lab = await passThroughLab({
    users: { cluster: /^team\//, alice: /^team\//, bob: /^bob\// },
    topology: {
      later: ['agent-1'],
      processes: ['agent-1'],
      more: (kind) =>
        kind === 'agent'
          ? {
              log: 'debug',
              origins: membersBy('origin-1'),
              trackers: membersBy('tracker-1'),
              buildIndexes: membersBy('build-index-1'),
            }
          : {},
    },
  })
  const { registry, topology, ask } = lab
  for (const id of ['origin-1', 'tracker-1', 'build-index-1']) {
    ways.set(id, stack.own(await tappedWay(topology.url(id))))
  }
  await topology.start('agent-1')
  await pushImage(registry.behind, 'team/app', image, ['v1'])

  const shown = [
    await registry.tokenOf('alice', 'team/app'),
    await registry.tokenOf('bob', 'team/app'),
    basic('alice', passwordOf('alice')).authorization,
    basic('bob', passwordOf('bob')).authorization,
    'Bearer a-token-that-nobody-has-made',
  ]
  const paths = [
    ...['manifests/v1', `manifests/${image.manifest.digest}`, 'tags/list', `referrers/${image.manifest.digest}`],
    ...image.layers.map(({ digest }) => `blobs/${digest}`),
  ]
  const askAll = async () => {
    const asked = shown.flatMap((each) => paths.map((path) => ask(each, 'GET', `/v2/team/app/${path}`)))
    return new Set((await Promise.all(asked)).map(({ status }) => status))
  }
  expect(await askAll()).toEqual(new Set([200, 401]))
  await registry.kill()
  expect(await askAll()).toEqual(new Set([200, 503]))

  const pages = ['pulls', 'blobs', 'swarms'].map((page) => `${topology.url('agent-1', 'admin')}/${page}`)
  const answers = await Promise.all(
    [...pages, `${topology.url('agent-1', 'ops')}/metrics`].map(async (url) => (await fetch(url)).text()),
  )
  const logs = topology.logs('agent-1')
  await topology.stop('agent-1')
  expect(logs).toContain('request ended')
  expect(answers[0]).toContain('team/app')
  const places = {
    logs,
    answers: answers.join('\n'),
    disk: await contentOf(topology.data),
    ...Object.fromEntries([...ways].map(([id, way]) => [id, way.sent()])),
  }
  expect(ways.get('build-index-1')?.sent()).toContain('team%2Fapp')
  const secrets = [...shown.map((each) => each.replace(/^\w+ /, '')), passwordOf('alice'), passwordOf('bob')]
  const found = Object.entries(places).flatMap(([place, text]) =>
    secrets.filter((secret) => text.includes(secret)).map((secret) => [place, secret]),
  )
  expect(found).toEqual([])
})
