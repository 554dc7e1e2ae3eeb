import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { appError, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { changingCluster } from '../../../lib/cluster/index.ts'
import type { HttpRequest } from '../../../lib/http/index.ts'
import { recordingLogger, recordingMetrics } from '../../../lib/telemetry/index.ts'
import { type AssignedRings, assignment } from '../../../services/agent/assignment/assignment.ts'
import { eventually } from '../../kit/eventually.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const kinds = ['trackers', 'origins', 'buildIndexes'] as const

const place = (id: string, url: string) => ({ id, url, state: 'ok' })
const cluster = (name: string, scheme = 'http') => ({
  ...{ id: `id-${name}`, name, points: 1, why: [] },
  ...Object.fromEntries(kinds.map((kind) => [kind, [place(`${kind}-1`, `${scheme}://${name}-${kind}.example.com`)]])),
})
const answer = (...names: readonly string[]) => {
  const [first, ...others] = names.map((name) => cluster(name))
  return { cluster: first, alternatives: others, passed: [] }
}

/** An agent at a manager that answers what `said` is. */
async function start(folder: string, said: unknown, { scheme = 'http', start: starts = true } = {}) {
  const clock = fakeClock()
  const logger = recordingLogger()
  const health = { failures: 1, windowMs: 30_000, outMs: 10_000 }
  const ring = (kind: string) => {
    const members = [{ id: `${kind}-1`, url: `${scheme}://own-${kind}.example.com` }]
    return changingCluster({ clock, logger }, { name: kind, members, replicas: 1, health })
  }
  const rings: AssignedRings = {
    ...{ trackers: ring('trackers'), origins: ring('origins'), buildIndexes: ring('buildIndexes') },
  }
  const state = { said, asked: [] as HttpRequest[] }
  const http = {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    async request(request: HttpRequest) {
      state.asked.push(request)
      if (state.said === undefined) throw appError('PEER_CLOSED')
      const body = { status: 200, headers: {}, json: async () => state.said, discard: async () => undefined }
      return body as never
    },
  }
  const part = assignment(
    { clock, random: seededRandom(7), logger, metrics: recordingMetrics(), http, rings },
    {
      assignment: ['https://manager-1', 'https://manager-2'],
      ...{ token: () => 'join-token-0123456789', folder, zone: 'a', host: 'node-1' },
    },
  )
  if (starts) await part.start()
  return {
    ...{ clock, rings, state, logger, part },
    /** Hosts of each ring. */
    at: () => [
      ...new Set(kinds.flatMap((kind) => rings[kind].members.map(({ url }) => new URL(url).host.split('-')[0]))),
    ],
    fail: () => rings.trackers.members.map(({ id }) => rings.trackers.report(id, 'failed')),
    pass: (check: () => void) =>
      eventually(async () => {
        await clock.advance(1_000)
        check()
      }),
    [Symbol.asyncDispose]: () => part.stop(),
  }
}

describe('an agent whose config names managers', () => {
  test('goes to the cluster that the first that answers says, and tells who asks', async () => {
    await using folder = await tempFolder('assignment')
    await using it = await start(folder.path, answer('near', 'far'))
    await it.pass(() => expect(it.at()).toEqual(['near']))
    expect(it.state.asked).toHaveLength(1)
    const [{ url, headers } = { url: '', headers: {} }] = it.state.asked
    expect([url, headers]).toEqual([
      'https://manager-1/api/v1/assignment?zone=a&host=node-1',
      { authorization: 'Bearer join-token-0123456789' },
    ])
  })

  test('serves with its config while no manager answers, and asks ever more rarely', async () => {
    await using folder = await tempFolder('assignment')
    await using it = await start(folder.path, undefined)
    for (let i = 0; i < 600; i += 1) await it.clock.advance(1_000)
    expect(it.at()).toEqual(['own'])
    const [many, urls] = [it.state.asked.length, new Set(it.state.asked.map(({ url }) => new URL(url).host))]
    expect(urls).toEqual(new Set(['manager-1', 'manager-2']))
    expect(many).toBeGreaterThan(10)
    expect(many).toBeLessThan(100)
    it.state.said = answer('near')
    await it.pass(() => expect(it.at()).toEqual(['near']))
  })

  test('begins with the last answer, also when no manager answers', async () => {
    await using folder = await tempFolder('assignment')
    const first = await start(folder.path, answer('near'))
    await first.pass(() => expect(first.at()).toEqual(['near']))
    await first.part.stop()
    await using it = await start(folder.path, undefined)
    expect(it.at()).toEqual(['near'])
  })

  test('begins with its config where what it kept makes no sense', async () => {
    await using folder = await tempFolder('assignment')
    await writeFile(join(folder.path, 'assignment.json'), '{"cluster":')
    await using it = await start(folder.path, undefined)
    expect(it.at()).toEqual(['own'])
    expect(it.logger.lines.map(({ level }) => level)).toContain('warn')
  })

  test('goes to the next cluster when all trackers have failed, whatever the manager still says, and comes back', async () => {
    await using folder = await tempFolder('assignment')
    await using it = await start(folder.path, answer('near', 'far'))
    await it.pass(() => expect(it.at()).toEqual(['near']))
    it.fail()
    await it.pass(() => expect(it.at()).toEqual(['far']))
    await eventually(async () => {
      await it.clock.advance(60_000)
      expect(it.at()).toEqual(['near'])
    })
  })

  test('goes by what it knows when the manager is away, too: to the next cluster, and then to its config', async () => {
    await using folder = await tempFolder('assignment')
    await using it = await start(folder.path, answer('near', 'far'))
    await it.pass(() => expect(it.at()).toEqual(['near']))
    it.state.said = undefined
    it.fail()
    await it.pass(() => expect(it.at()).toEqual(['far']))
    it.fail()
    await it.pass(() => expect(it.at()).toEqual(['own']))
  })

  test.each<[string, unknown]>([
    ['is no JSON of its kind', { cluster: 'near' }],
    ['has no members', { ...answer('near'), cluster: { ...cluster('near'), origins: [] } }],
    [
      'has an address with a password',
      { ...answer('near'), cluster: { ...cluster('near'), trackers: [place('t', 'http://a:b@c')] } },
    ],
    [
      'has an address of another protocol',
      { ...answer('near'), cluster: { ...cluster('near'), trackers: [place('t', 'file:///etc')] } },
    ],
    [
      'has more members than there can be',
      {
        ...answer('near'),
        cluster: { ...cluster('near'), trackers: Array.from({ length: 1001 }, (_, i) => place(`t${i}`, 'http://a')) },
      },
    ],
    [
      'has two members of one name',
      {
        ...answer('near'),
        cluster: { ...cluster('near'), trackers: ['a', 'b'].map((host) => place('t', `http://${host}`)) },
      },
    ],
  ])('keeps to what it has when an answer %s', async (_, said) => {
    await using folder = await tempFolder('assignment')
    await using it = await start(folder.path, said)
    await it.pass(() => expect(it.state.asked.length).toBeGreaterThan(2))
    expect(it.at()).toEqual(['own'])
  })

  test('goes to no cluster without TLS when its own speaks it', async () => {
    await using folder = await tempFolder('assignment')
    const said = { cluster: cluster('plain'), alternatives: [cluster('safe', 'https')], passed: [] }
    await using it = await start(folder.path, said, { scheme: 'https' })
    await it.pass(() => expect(it.at()).toEqual(['safe']))
  })
})
