import { describe, expect, test } from '@jest/globals'
import type { TracedPull } from '../../../lib/api/index.ts'
import { digestOf, type WaitCause, waitCauses } from '../../../lib/core/index.ts'
import { askedOf } from '../../../services/cli/explain/asked.ts'
import { imageText } from '../../../services/cli/explain/image-words.ts'
import { pullsOfImage } from '../../../services/cli/explain/pulls-of-image.ts'
import { explainText, sideOf, timeText, waitText } from '../../../services/cli/explain/words.ts'
import { run } from '../../../services/cli/run.ts'
import { recordingHost } from '../../kit/recording-host.ts'

const digestFor = (text: string) => digestOf(Buffer.from(text))
const MIB = 1024 * 1024
const origin = { id: 'aa', address: '10.0.0.4:7000', role: 'origin' as const, name: 'origin-2' }
const agent = { id: 'bb', address: '10.0.0.9:16001', role: 'agent' as const }

const pull: TracedPull = {
  ...{ id: '3f2a9c-17', kind: 'blob', repository: 'team/app', reference: digestFor('a'), digest: digestFor('a') },
  ...{ class: 'high', application: 'web' },
  ...{ size: 96 * MIB, startedAtMs: 1_000, firstByteMs: 300, totalMs: 14_200, outcome: 'done' },
  bytes: { peer: 90 * MIB, origin: 6 * MIB, http: 0, cache: 0 },
  waits: [
    { cause: 'busy', from: origin, ms: 8_662, times: 9, holders: 3 },
    { cause: 'slowPeer', from: agent, ms: 3_000, times: 4, holders: 0 },
    { cause: 'client', ms: 2_500, times: 90, holders: 0 },
    { cause: 'hash', ms: 38, times: 9, holders: 0 },
  ],
  longest: [],
  sources: [
    {
      ...origin,
      bytes: 6 * MIB,
      bytesPerSecond: 20 * MIB,
      asked: 24,
      outrun: 0,
      late: 0,
      refused: 12,
      repeats: 0,
      wrong: 0,
    },
    { ...agent, bytes: 2 * MIB, bytesPerSecond: 1024, asked: 12, outrun: 4, late: 3, refused: 0, repeats: 1, wrong: 0 },
    {
      ...agent,
      id: 'cc',
      address: '10.0.0.7:1',
      bytes: 88 * MIB,
      asked: 352,
      outrun: 0,
      late: 0,
      refused: 0,
      repeats: 0,
      wrong: 1,
    },
  ],
  names: [],
}

test('a pull is explained in plain words with numbers', () => {
  expect(explainText(pull).split('\n')).toEqual([
    `3f2a9c-17: blob ${digestFor('a').slice(0, 19)} of team/app: done, 14.2 s for 96.0 MiB, 6.8 MiB/s, first byte after 300 ms, class high, for the application web`,
    '  61 % of 14.2 s (8.7 s) it waited for origin-2 (10.0.0.4:7000), which had the piece and served others; 3 connected peers had it',
    '  21 % of 14.2 s (3.0 s) it waited for a piece that came from the peer at 10.0.0.9:16001, which is slow beside the other peers',
    '  18 % of 14.2 s (2.5 s) it waited for the client to take the bytes that were there',
    'Most of its time lay with the peers that give pieces, agents and origins, and the network between.',
    'It came: 90.0 MiB from agents, 6.0 MiB from origins.',
    '  the peer at 10.0.0.7:1 gave 88.0 MiB; 1 piece with bytes from it was wrong',
    '  the peer at 10.0.0.9:16001 gave 2.0 MiB, lately 1.0 KiB/s; 4 blocks asked of it came sooner from another; did not answer in time 3 times; was asked for 1 block that another was late with',
    '  origin-2 (10.0.0.4:7000) gave 6.0 MiB, lately 20.0 MiB/s; refused 12 requests',
  ])
})

test.each(Object.keys(waitCauses) as WaitCause[])('%s reads well with a peer and without', (cause) => {
  const texts = [waitText({ cause, from: agent }), waitText({ cause })]
  for (const text of texts) expect(text).toMatch(/^[a-z][^{}]+[^.]$/)
})

test.each([
  [340.4, '340 ms'],
  [14_240, '14.2 s'],
])('%d ms is said as %s', (ms, text) => expect(timeText(ms)).toBe(text))

test.each([
  [
    'client',
    [
      ['client', 60],
      ['disk', 50],
    ],
  ],
  [
    'node',
    [
      ['client', 40],
      ['disk', 30],
      ['memory', 30],
    ],
  ],
  [
    'cluster',
    [
      ['metainfo', 5],
      ['lookup', 5],
      ['busy', 9],
    ],
  ],
] as const)('most of the time lay with the %s', (side, waits) => {
  expect(sideOf(waits.map(([cause, ms]) => ({ cause, ms })))).toBe(side)
})

describe('what is to be explained', () => {
  const image = (repositories: readonly string[], reference: string) => ({ kind: 'image', repositories, reference })
  test.each([
    ['3f2a9c-17', { kind: 'pull', id: '3f2a9c-17' }],
    [digestFor('a'), { kind: 'digest', digest: digestFor('a') }],
    ['team/app:1.0', image(['team/app'], '1.0')],
    ['app', image(['app'], 'latest')],
    ['127.0.0.1:65001/team/app:1.0', image(['127.0.0.1:65001/team/app', 'team/app'], '1.0')],
    ['127.0.0.1:65001/app', image(['127.0.0.1:65001/app', 'app'], 'latest')],
    ['reg.example.com/app:2', image(['reg.example.com/app', 'app'], '2')],
    [`app@${digestFor('a')}`, image(['app'], digestFor('a'))],
  ])('%s', (text, asked) => expect(askedOf(text)).toEqual(asked))

  test.each(['', 'sha256:zz', 'app@sha256:1', 'team/app:1.0 --minutes 0'])('"%s" is wrong usage', async (words) => {
    const host = recordingHost()
    const argv = words === '' ? [''] : words.split(' ')
    expect(await run(['explain', ...argv, '--url', 'http://127.0.0.1:1'], host)).toBe(2)
    expect(host.complained).toMatch(/^shoal explain: CONFIG_INVALID: /)
  })

  test('an agent that is not there is told with its address', async () => {
    const host = recordingHost()
    expect(await run(['explain', 'app', '--url', 'http://127.0.0.1:1'], host)).toBe(3)
    expect(host.complained).toMatch(/^shoal explain: PEER_CLOSED: .*\(http:\/\/127\.0\.0\.1:1\)$/)
  })
})

describe('the pulls of an image', () => {
  const other = (id: string, facts: Partial<TracedPull>): TracedPull => ({ ...pull, id, ...facts })
  const lookup = other('x-1', { kind: 'lookup', reference: '1.0', digest: digestFor('index') })
  const manifestOf = (id: string, name: string, names: TracedPull['names']) =>
    other(id, { kind: 'manifest', reference: digestFor(name), digest: digestFor(name), names })
  const index = manifestOf('x-2', 'index', [{ as: 'manifest', digest: digestFor('manifest') }])
  const manifest = manifestOf('x-3', 'manifest', [{ as: 'layer', digest: digestFor('layer') }])
  const layer = other('x-4', { reference: digestFor('layer'), digest: digestFor('layer'), totalMs: 20_000 })
  const foreign = other('x-5', { reference: digestFor('foreign'), digest: digestFor('foreign') })
  const olderLookup = other('x-0', { kind: 'lookup', reference: '1.0', digest: digestFor('foreign') })
  const all = [foreign, layer, manifest, index, lookup, olderLookup]

  test('are its look-ups, its manifests and what these name, and no others of the repository', () => {
    expect(pullsOfImage(all, '1.0').map(({ id }) => id)).toEqual(['x-4', 'x-3', 'x-2', 'x-1', 'x-0'])
    expect(pullsOfImage(all, digestFor('manifest')).map(({ id }) => id)).toEqual(['x-4', 'x-3'])
    expect(pullsOfImage(all, '2.0')).toEqual([])
  })

  test('are told together, and the slowest in full', () => {
    const text = imageText('app:1.0', [layer, manifest, lookup], 60_000)
    expect(text).toContain('app:1.0: 3 requests in 20.0 s, 192.0 MiB')
    expect(text).toMatch(/x-4 +layer +team\/app sha256:/)
    expect(text).toMatch(/The slowest:\nx-4: blob/)
    expect(text).toContain('% (26.0 s) waiting for origin-2 (10.0.0.4:7000), which had the piece and served others')
  })
})
