import { expect, test } from '@jest/globals'
import { PRIORITY_HEADER, STANDS_ALONE_HEADER } from '../../../lib/api/index.ts'
import { memoryBackend } from '../../../lib/backend/index.ts'
import { lifecycle } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { barredBackend } from '../../kit/barred-backend.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { eventually } from '../../kit/eventually.ts'
import { linkBlob } from '../../kit/link-blob.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { startTopology } from '../../kit/topology.ts'

const MIB = 1024 * 1024
const size = 24 * MIB + 333
const content = cipherBytes('a cold blob in any order', size)
const digest = digestOf(content)
const tail = [size - 30_000, size] as const

/** One origin over a backend that gives nothing before its last tenth until it is opened. */
function startLab({ agents = 0 } = {}) {
  return buildResource(async (stack) => {
    const inner = memoryBackend({ unitBytes: MIB })
    await inner.write(blobKey(digest), content, { size })
    const barred = barredBackend(inner)
    barred.bar(({ start }) => start < 0.9 * size)
    const backends = { ...lifecycle([]), backendFor: () => barred.backend }
    const shoal = stack.own(
      await startTopology({
        ...{ agents, origins: 1, trackers: 1, processes: [] },
        later: agents > 0 ? ['proxy-1'] : ['build-index-1', 'build-index-2', 'proxy-1'],
        originParts: () => ({ backends }),
      }),
    )
    const url = `${shoal.url('origin-1')}/namespace/app/blobs/${digest}`
    const get = async ([from, to]: readonly [number, number], headers: Record<string, string> = {}, at = url) => {
      const answer = await fetch(at, { headers: { range: `bytes=${from}-${to - 1}`, ...headers } })
      const bytes = Buffer.from(await answer.arrayBuffer())
      const isRight = bytes.equals(content.subarray(from, to))
      return { status: answer.status, of: answer.headers.get('content-range'), isRight }
    }
    return { shoal, barred, get, url }
  })
}

test('the end of a cold blob is given while the store has given less than a tenth, except as part of a whole', async () => {
  await using lab = await startLab()
  const answer = { status: 206, of: `bytes ${tail[0]}-${tail[1] - 1}/${size}`, isRight: true }
  let isWholeOver = false
  const part = lab.get(tail).finally(() => {
    isWholeOver = true
  })
  const alone = { [STANDS_ALONE_HEADER]: '1', [PRIORITY_HEADER]: 'onDemand' }
  expect(await lab.get(tail, alone)).toEqual(answer)
  expect(isWholeOver).toBe(false)
  lab.barred.bar(() => false)
  expect(await part).toEqual(answer)
  const whole = Buffer.from(await (await fetch(lab.url)).arrayBuffer())
  expect(whole.equals(content)).toBe(true)
  expect(lab.barred.asked.map(({ start }) => start).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 25 }, (_, unit) => unit * MIB),
  )
})

test('an agent gives the end of a cold blob while the store has given less than a tenth, and each unit is read once', async () => {
  await using lab = await startLab({ agents: 1 })
  const { shoal, barred } = lab
  await linkBlob(shoal, 'app', digest, size)
  const at = `${shoal.url('agent-1', 'registry')}/v2/app/blobs/${digest}`
  const answer = { status: 206, of: `bytes ${tail[0]}-${tail[1] - 1}/${size}`, isRight: true }
  expect(await lab.get(tail, {}, at)).toEqual(answer)
  expect(await shoal.counter('origin-1', 'shoal_swarm_wants_total', 'priority="onDemand"')).toBeGreaterThan(0)
  barred.bar(() => false)
  const whole = Buffer.from(await (await fetch(at)).arrayBuffer())
  expect(whole.equals(content)).toBe(true)
  const starts = barred.asked.map(({ start }) => start).toSorted((a, b) => a - b)
  expect(starts).toEqual(Array.from({ length: 25 }, (_, unit) => unit * MIB))
})

test('nodes say what they want first of a blob, and are refused what is malformed', async () => {
  await using lab = await startLab()
  lab.barred.bar(() => true)
  const demand = async (body: unknown) => {
    const headers = { 'content-type': 'application/json' }
    return (await fetch(`${lab.url}/demand`, { method: 'POST', headers, body: JSON.stringify(body) })).status
  }
  const ranges = [[20 * MIB + 5, 20 * MIB + 6]]
  expect(await demand({ ranges, priority: 'onDemand' })).toBe(204)
  await eventually(() => expect(lab.barred.asked).toContainEqual({ start: 20 * MIB, end: 21 * MIB }))
  expect(lab.barred.asked.length).toBeLessThan(6)
  for (const wrong of [{ ranges }, { ranges: [[6, 6]], priority: 'fill' }, { ranges, priority: 'now' }]) {
    expect(await demand(wrong)).toBe(400)
  }
  const many = Array.from({ length: 1025 }, (_, i) => [i, i + 1])
  expect(await demand({ ranges: many, priority: 'fill' })).toBe(400)
  lab.barred.bar(() => false)
  expect(await lab.get(tail)).toMatchObject({ status: 206, isRight: true })
})
