import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type PushedBlob, pushBlobOf } from '../../kit/pushed-blob.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const PIECE = 256 * 1024
const SIZE = 4 * PIECE
const [first, second] = ['a'.repeat(24), 'b'.repeat(24)] as const

let shoal: Topology
let blob: PushedBlob

beforeAll(async () => {
  shoal = await startTopology({ agents: 0, origins: 1, trackers: 1, processes: [] })
  blob = await pushBlobOf(shoal, 'asked/blob', SIZE)
})

afterAll(async () => {
  await shoal[Symbol.asyncDispose]()
})

/** Asks for pieces, inclusive, as the agent with the key `asker`, or as any other client. */
async function ask(asker: string | undefined, from: number, to: number) {
  const path = `/namespace/${encodeURIComponent('asked/blob')}/blobs/${blob.digest}`
  const response = await fetch(shoal.url('origin-1', 'http') + path, {
    headers: {
      range: `bytes=${from * PIECE}-${(to + 1) * PIECE - 1}`,
      ...(asker !== undefined && { 'x-shoal-asker': asker }),
    },
  })
  const body = Buffer.from(await response.arrayBuffer())
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body }
}

test('an origin gives each piece to one agent over HTTP, says so to the next, and refuses no other client', async () => {
  expect((await ask(first, 0, 1)).status).toBe(206)
  const refused = await ask(second, 1, 3)
  expect([refused.status, Number(refused.retryAfter)]).toEqual([503, expect.any(Number)])
  expect(JSON.parse(refused.body.toString())).toMatchObject({
    error: { code: 'ORIGIN_BUSY', detail: { pieces: 0, retryAfterMs: expect.any(Number), peers: [] } },
  })
  expect((await ask(second, 2, 3)).status).toBe(206)
  const partly = await ask(first, 0, 3)
  expect([partly.status, JSON.parse(partly.body.toString())]).toMatchObject([503, { error: { detail: { pieces: 2 } } }])
  expect((await ask(first, 0, 1)).status).toBe(206)
  expect((await ask(undefined, 0, 3)).status).toBe(206)
})

test.each(['not-a-key', 'a'.repeat(40)])('who shows what can be no key is told so: %s', async (shown) => {
  const { status, body } = await ask(shown, 0, 1)
  expect([status, JSON.parse(body.toString())]).toMatchObject([400, { error: { code: 'BODY_INVALID' } }])
})
