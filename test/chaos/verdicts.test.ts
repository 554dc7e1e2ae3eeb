import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../lib/base/index.ts'
import { cipherBytes } from '../kit/cipher-bytes.ts'
import { ask } from './ask.ts'
import type { ChaosResult } from './chaos.ts'
import type { Op } from './clients.ts'
import { bytesOf, modelBlob } from './model-blob.ts'
import { readKinds, readOf } from './pulls.ts'
import { reportOf } from './report.ts'
import { BACK_DESCRIPTORS, unmetEnds, unmetFigures } from './verdicts.ts'

const SIZE = 300_000
const blob = modelBlob('model', SIZE)
const content = cipherBytes('model', SIZE)

test('a model makes any of its bytes', () => {
  for (const [start, end] of [
    [0, 1],
    [15, 17],
    [16, 4096],
    [SIZE - 3, SIZE],
  ] as const) {
    expect(bytesOf('model', { start, end })).toEqual(content.subarray(start, end))
  }
})

/** What a reader of each kind makes of a server with one blob. */
async function endOf(listener: RequestListener, kind: (typeof readKinds)[number] = 'whole'): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    const asked = readOf(kind, url, { repository: 'a', blob }, seededRandom(1))
    const { end, why } = await ask(asked, 60_000)
    return `${end} ${why}`.trim()
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const spoiled = Buffer.from(content)
spoiled[SIZE / 2] = ~(spoiled[SIZE / 2] ?? 0)
const errors = (code: string) => JSON.stringify({ errors: [{ code, message: '' }] })

describe('a reader', () => {
  test.each<[string, RequestListener, RegExp]>([
    ['the bytes', (_, res) => res.end(content), /^ok$/],
    ['a wrong byte', (_, res) => res.end(spoiled), /^wrong wrong bytes within/],
    ['too few bytes', (_, res) => res.end(content.subarray(1)), /^wrong a length of 299999/],
    [
      'a body that breaks off',
      (_, res) => res.writeHead(200, { 'content-length': SIZE }).write(content.subarray(0, 9), () => res.destroy()),
      /^cut/,
    ],
    ['an outage with a code', (_, res) => res.writeHead(503).end(errors('UNAVAILABLE')), /^refused 503 UNAVAILABLE$/],
    ['an outage without a code', (_, res) => res.writeHead(503).end('sorry'), /^wrong 503 without a code/],
    ['"there is no such blob"', (_, res) => res.writeHead(404).end(errors('BLOB_UNKNOWN')), /^wrong 404 BLOB_UNKNOWN$/],
    ['a part of what it wanted whole', (_, res) => res.writeHead(206).end(content), /^wrong 206/],
  ])('calls it by its name when it gets %s', async (_, listener, expected) => {
    expect(await endOf(listener)).toMatch(expected)
  })

  test.each(readKinds.filter((kind) => kind !== 'whole'))(
    'of kind "%s" takes no other bytes for its own',
    async (kind) => {
      expect(await endOf((_, res) => res.writeHead(206, { 'content-range': 'bytes 0-0/1' }).end('x'), kind)).toMatch(
        /^wrong /,
      )
      expect(await endOf((_, res) => res.end(content), kind)).toMatch(/^wrong 200/)
    },
  )
})

const op = (end: Op['end'], more: Partial<Op> = {}): Op => ({
  ...{ kind: 'range', door: 'd', what: 'w', ms: 1, end, why: 'y' },
  ...more,
})
const uses = { memory: { 'agent-1': 100 }, descriptors: { 'agent-1': 50 } }

const good: ChaosResult = {
  ...{ seed: 7, calm: [op('ok')], chaos: [op('ok'), op('refused'), op('cut')], steps: ['one'], unpulled: [] },
  ...{ base: uses, rest: uses, lied: new Set([blob.digest]), disks: true },
  reads: new Map([[blob.digest, { requests: 2, bytes: SIZE }]]),
  sizes: new Map([[blob.digest, SIZE]]),
  ...{ crashes: new Map(), errors: new Map() },
}
const wrongByte = { wrongByteOf: blob.digest }

test('a good outcome meets all conditions, and so do bytes of a range that the store gave wrong', () => {
  const result = {
    ...good,
    chaos: [...good.chaos, op('wrong', wrongByte), op('wrong', { ...wrongByte, kind: 'whole' })],
  }
  expect([...unmetEnds(result), ...unmetFigures(result)]).toEqual([])
  expect(reportOf(result)).toContain('1 blobs; 2 readers')
})

test.each<[string, Partial<ChaosResult>, string]>([
  ['a byte was wrong', { chaos: [op('wrong')] }, 'wrong: range of w'],
  [
    'a byte was wrong that the store gave right',
    { chaos: [op('wrong', wrongByte)], lied: new Set() },
    'wrong: range of w',
  ],
  [
    'a whole body came to its end with a wrong byte',
    { chaos: [op('wrong', { ...wrongByte, kind: 'whole', whole: true })] },
    'wrong: whole of w',
  ],
  ['a pull hung', { chaos: [op('hung')] }, 'hung: range of w'],
  ['a pull failed before the chaos', { calm: [op('refused')] }, 'before the chaos: refused'],
  [
    'a pull fails after the chaos',
    { unpulled: [{ door: 'd', what: 'w', ended: { end: 'refused', why: '503' } }] },
    'after the chaos: refused',
  ],
  ['a process ended', { crashes: new Map([['agent-1', 'was ended by SIGABRT']]) }, 'agent-1 ended: was ended'],
  ['memory does not come back', { rest: { ...uses, memory: { 'agent-1': 1000 } } }, 'agent-1 has 1000 MiB'],
  [
    'files stay open',
    { rest: { ...uses, descriptors: { 'agent-1': 51 + BACK_DESCRIPTORS } } },
    'agent-1 has 151 open files',
  ],
])('it is told when %s', (_, fault, expected) => {
  const result = { ...good, ...fault }
  expect([...unmetEnds(result), ...unmetFigures(result)].join('\n')).toContain(expected)
})
