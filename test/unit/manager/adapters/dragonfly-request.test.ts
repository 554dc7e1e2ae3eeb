import { describe, expect, test } from '@jest/globals'
import { dragonflyJobSchema, jobSpecSchema } from '../../../../lib/api/index.ts'
import { digestOf } from '../../../../lib/core/index.ts'
import { readDragonflyJob, shownArgs } from '../../../../services/manager/adapters/dragonfly-request.ts'

const url = 'https://harbor.example/v2/p/r/manifests/1.0'
const digest = digestOf(Buffer.from('a layer'))
const read = (body: object) => readDragonflyJob(dragonflyJobSchema.parse(body))
const preheat = (args: object) => read({ type: 'preheat', args: { type: 'image', url, ...args } })

describe('a job in words of Dragonfly', () => {
  test.each([
    {
      what: 'zeros and nulls say nothing',
      args: { scope: '', count: 0, percentage: 0, timeout: 0, headers: null, ips: null, concurrent_count: 0 },
      spec: { scope: 'single_origin' },
    },
    {
      what: 'all seed peers are all origins',
      args: { scope: 'all_seed_peers', concurrent_task_count: 3 },
      spec: { scope: 'all_origins', atOnce: 3 },
    },
    {
      what: 'all peers are agents',
      args: { scope: 'all_peers', concurrent_peer_count: 5000 },
      spec: { scope: 'agents', atOnce: 1000 },
    },
    {
      what: 'addresses go before numbers',
      args: { scope: 'all_peers', ips: ['10.0.0.1'], count: 2, percentage: 9 },
      spec: { scope: 'agents', hosts: ['10.0.0.1'] },
    },
    {
      what: 'numbers go before shares',
      args: { scope: 'all_peers', count: 2, percentage: 9 },
      spec: { scope: 'agents', count: 2 },
    },
    { what: 'a share is a share', args: { scope: 'all_peers', percentage: 9 }, spec: { scope: 'agents', percent: 9 } },
    {
      what: 'nanoseconds are seconds, rounded up',
      args: { timeout: 1_500_000_000 },
      spec: { scope: 'single_origin', limitSeconds: 2 },
    },
    {
      what: 'a platform is one',
      args: { platform: 'linux/arm64' },
      spec: { scope: 'single_origin', platforms: ['linux/arm64'] },
    },
  ])('$what', ({ args, spec }) => {
    const made = preheat(args).spec
    expect(made).toEqual({ kind: 'preheat', targets: [url], ...spec })
    expect(jobSpecSchema.safeParse(made).success).toBe(true)
  })

  test('files are URLs, and tasks are digests or what is under their URLs', () => {
    expect(read({ type: 'preheat', args: { type: 'file', urls: ['https://x.example/a'] } }).spec).toMatchObject({
      urls: ['https://x.example/a'],
    })
    expect(read({ type: 'get_task', args: { task_id: digest.slice(7) } }).spec).toEqual({
      kind: 'query',
      targets: [digest],
    })
    expect(read({ type: 'delete_task', args: { url: `https://h.example/v2/p/r/blobs/${digest}` } }).spec).toEqual({
      kind: 'delete',
      targets: [digest],
    })
    expect(read({ type: 'get_image_distribution', args: { url } }).spec).toEqual({
      kind: 'distribution',
      targets: [url],
    })
  })

  test.each([
    ['an unknown type', { type: 'resize', args: {} }],
    ['the collection of jobs', { type: 'gc', args: { type: 'audit' } }],
    ['an unknown scope', { type: 'preheat', args: { type: 'image', url, scope: 'everywhere' } }],
    ['no URL', { type: 'preheat', args: { type: 'image', url: '' } }],
    ['no args', { type: 'preheat', args: null }],
    ['no task', { type: 'get_task', args: {} }],
  ])('is refused for %s', (_what, body) => {
    expect(() => read(body)).toThrow(expect.objectContaining({ code: 'BODY_INVALID' }))
  })

  test('shows nobody its headers and its password', () => {
    const args = {
      type: 'image',
      url,
      headers: { Authorization: 'Bearer a', Cookie: 'b' },
      username: 'ada',
      password: 'c',
    }
    expect(preheat(args).credentials).toEqual({ headers: args.headers, username: 'ada', password: 'c' })
    expect(shownArgs(args)).toEqual({
      ...args,
      headers: { Authorization: '*****', Cookie: '*****' },
      password: '*****',
    })
  })
})
