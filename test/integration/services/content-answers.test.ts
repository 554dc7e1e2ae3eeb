import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { readByteranges } from '../../kit/byteranges.ts'
import { type PushedBlob, pushBlobOf } from '../../kit/pushed-blob.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const SIZE = 3000

let shoal: Topology
let blob: PushedBlob

beforeAll(async () => {
  shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, processes: [] })
  blob = await pushBlobOf(shoal, 'answers/blob', SIZE)
})

afterAll(async () => {
  await shoal[Symbol.asyncDispose]()
})

const registryPath = () => blob.path
const plainPath = () => `/namespace/${encodeURIComponent('answers/blob')}/blobs/${blob.digest}`

/** Every route that answers with a blob, and whether it accepts HEAD. */
const routes = [
  { at: 'the proxy', id: 'proxy-1', listener: 'registry', pathOf: registryPath, headKnown: true },
  { at: 'the agent', id: 'agent-1', listener: 'registry', pathOf: registryPath, headKnown: true },
  { at: 'the agent, by namespace', id: 'agent-1', listener: 'registry', pathOf: plainPath, headKnown: true },
  { at: 'the origin', id: 'origin-1', listener: undefined, pathOf: plainPath, headKnown: true },
  {
    at: 'the origin, of what it holds',
    id: 'origin-1',
    listener: undefined,
    pathOf: () => `${plainPath()}/held`,
    headKnown: false,
  },
]

interface Row {
  readonly title: string
  readonly method?: 'HEAD'
  /** `TAG` is replaced by the blob's entity tag. */
  readonly headers?: Readonly<Record<string, string>>
  readonly status: number
  /** The range of the blob in the answer; undefined when the answer has no body. */
  readonly part?: readonly [number, number]
}

const rows: readonly Row[] = [
  { title: 'a plain GET', status: 200, part: [0, SIZE] },
  { title: 'HEAD', method: 'HEAD', status: 200 },
  { title: 'HEAD with a range', method: 'HEAD', headers: { range: 'bytes=0-9' }, status: 200 },
  { title: 'a range', headers: { range: 'bytes=5-9' }, status: 206, part: [5, 10] },
  { title: 'the end', headers: { range: 'bytes=-7' }, status: 206, part: [SIZE - 7, SIZE] },
  { title: 'more ranges than bytes', headers: { range: 'bytes=0-,0-0' }, status: 400 },
  { title: 'two ranges behind the end', headers: { range: `bytes=${SIZE}-,9999-` }, status: 416 },
  {
    title: 'two ranges with If-Range of another',
    headers: { range: 'bytes=0-1,5-9', 'if-range': '"x"' },
    ...{ status: 200, part: [0, SIZE] as const },
  },
  { title: 'another unit', headers: { range: 'lines=0-4' }, status: 200, part: [0, SIZE] },
  { title: 'a range behind the end', headers: { range: `bytes=${SIZE}-` }, status: 416 },
  { title: 'If-Range of it', headers: { range: 'bytes=5-9', 'if-range': 'TAG' }, status: 206, part: [5, 10] },
  { title: 'If-Range, weak', headers: { range: 'bytes=5-9', 'if-range': 'W/TAG' }, status: 200, part: [0, SIZE] },
  { title: 'If-Range of another', headers: { range: 'bytes=5-9', 'if-range': '"x"' }, status: 200, part: [0, SIZE] },
  {
    title: 'If-Range with a date',
    headers: { range: 'bytes=5-9', 'if-range': 'Sat, 01 Jan 2022 00:00:00 GMT' },
    ...{ status: 200, part: [0, SIZE] as const },
  },
  {
    title: 'If-Range of another, out of range',
    headers: { range: 'bytes=9999-', 'if-range': '"x"' },
    status: 200,
    part: [0, SIZE],
  },
  { title: 'If-Range without a range', headers: { 'if-range': '"x"' }, status: 200, part: [0, SIZE] },
  { title: 'If-None-Match of it', headers: { 'if-none-match': 'TAG' }, status: 304 },
  { title: 'If-None-Match of it, weak', headers: { 'if-none-match': '"x", W/TAG' }, status: 304 },
  { title: 'If-None-Match of another', headers: { 'if-none-match': '"x"' }, status: 200, part: [0, SIZE] },
  { title: 'If-None-Match before a range', headers: { 'if-none-match': 'TAG', range: 'bytes=9999-' }, status: 304 },
  { title: 'If-Match of it', headers: { 'if-match': '"x", TAG' }, status: 200, part: [0, SIZE] },
  { title: 'If-Match of anything', headers: { 'if-match': '*', range: 'bytes=5-9' }, status: 206, part: [5, 10] },
  { title: 'If-Match of another', headers: { 'if-match': '"x"' }, status: 412, part: [0, 0] },
  { title: 'If-Match of it, weak', headers: { 'if-match': 'W/TAG' }, status: 412, part: [0, 0] },
  {
    title: 'If-Match of another, before If-None-Match and a range',
    headers: { 'if-match': '"x"', 'if-none-match': 'TAG', range: 'bytes=9999-' },
    ...{ status: 412, part: [0, 0] as const },
  },
  { title: 'HEAD with If-None-Match', method: 'HEAD', headers: { 'if-none-match': 'TAG' }, status: 304 },
]

describe.each(routes)('a blob at $at', ({ id, listener, pathOf, headKnown }) => {
  test.each(rows.filter(({ method }) => method === undefined || headKnown))(
    '$title is $status',
    async ({ method = 'GET', headers = {}, status, part }) => {
      const sent = Object.entries(headers).map(([name, value]) => [name, value.replace('TAG', `"${blob.digest}"`)])
      const client = registryClient(shoal.url(id, listener))
      const answer = await client.send(method, pathOf(), {
        headers: Object.fromEntries(sent) as Record<string, string>,
      })
      expect(answer.status).toBe(status)
      if (status === 400) {
        expect(answer.body.toString()).toContain('"RANGES_EXCESSIVE"')
        return
      }
      if (status === 416) {
        expect(answer.headers['content-range']).toBe(`bytes */${SIZE}`)
        return
      }
      expect([answer.headers.etag, answer.headers['docker-content-digest']]).toEqual([`"${blob.digest}"`, blob.digest])
      const [start, end] = part ?? [0, 0]
      expect(answer.body.equals(blob.bytes.subarray(start, end))).toBe(true)
      expect(answer.headers['content-range']).toBe(status === 206 ? `bytes ${start}-${end - 1}/${SIZE}` : undefined)
      if (status !== 304) {
        expect(answer.headers['content-length']).toBe(String(part === undefined ? SIZE : end - start))
        expect(answer.headers['accept-ranges']).toBe('bytes')
      }
    },
  )

  test('several ranges are answered by a part for each, also 1,024 of them', async () => {
    const client = registryClient(shoal.url(id, listener))
    const asked = [
      'bytes=0-1,5-9',
      'bytes=5-9,0-4',
      'bytes=0-0,9999-',
      'bytes=0-9, -5',
      `bytes=${Array.from({ length: 1024 }, (_, i) => `${2 * i}-${String(2 * i).padStart(14, '0')}`).join()}`,
    ]
    for (const range of asked) {
      const answer = await client.send('GET', pathOf(), { headers: { range } })
      expect(answer).toMatchObject({
        status: 206,
        headers: { etag: `"${blob.digest}"`, 'content-length': String(answer.body.length), 'accept-ranges': 'bytes' },
      })
      expect(answer.headers['content-range']).toBeUndefined()
      const parts = readByteranges(answer.headers['content-type'], answer.body)
      const wanted = range
        .slice('bytes='.length)
        .split(',')
        .map((spec) => spec.trim().split('-'))
        .map(([first = '', last]) => (first === '' ? [SIZE - Number(last), SIZE] : [Number(first), Number(last) + 1]))
        .filter(([start = 0]) => start < SIZE)
      expect(parts.map(({ start, end, size }) => [start, end, size])).toEqual(wanted.map((each) => [...each, SIZE]))
      for (const { start, end, bytes } of parts) expect(bytes.equals(blob.bytes.subarray(start, end))).toBe(true)
    }
  })
})
