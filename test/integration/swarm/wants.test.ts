import { describe, expect, test } from '@jest/globals'
import { arrivingAt } from '../../kit/arriving-lab.ts'
import { swarmBlob } from '../../kit/swarm-blob.ts'
import { readAll, type SwarmLab, swarmLab } from '../../kit/swarm-lab.ts'

const MIB = 1024 * 1024
/** 64 pieces of 256 KiB. */
const blob = swarmBlob(1, 16 * MIB)
const { count, pieceLength } = blob.map
const part = ({ start, end }: { readonly start: number; readonly end: number }) => blob.bytes.subarray(start, end)
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

/** A reader of one byte in the middle, at an agent that knows of no origin until `hint`. */
async function readsAlone(lab: SwarmLab) {
  const { ref, origin, wanted, hint } = await arrivingAt(lab, blob)
  lab.tracker.alive = false
  const agent = await lab.agent()
  const handle = await lab.run(agent.engine.open(ref))
  const stream = handle.read({ start: 8 * MIB, end: 8 * MIB + 1 }, { fills: false }).resume()
  const leave = () => {
    stream.destroy()
    handle.close()
  }
  return { origin, wanted, hint, leave }
}

describe('a reader of bytes that no peer can be asked for yet', () => {
  test('has the origin told of them, and gets them as soon as they are there', async () => {
    await using lab = swarmLab([blob])
    const { ref, wanted, bring } = await arrivingAt(lab, blob)
    const agent = await lab.agent()
    const handle = await lab.run(agent.engine.open(ref))
    const tail = { start: 16 * MIB - 5_674, end: 16 * MIB }
    const bytes = readAll(handle.read(tail, { fills: false }))
    await lab.clock.advance(200)
    expect(wanted('onDemand')).toBe(`${(count - 1) * pieceLength}-${16 * MIB}`)
    expect(wanted('prefetch')).toBe('')
    await bring(count - 1)
    expect(same(await lab.run(bytes), part(tail))).toBe(true)
    await lab.clock.advance(200)
    expect(wanted('onDemand')).toBe('')
    expect(agent.received.origin).toBe(pieceLength)
    handle.close()
  })

  test('has an origin told that announced itself later, as soon as the tracker says so in the stream of records', async () => {
    await using lab = swarmLab([blob])
    const { wanted, hint, leave } = await readsAlone(lab)
    await lab.clock.advance(500)
    expect(wanted('onDemand')).toBe('')
    hint()
    await lab.clock.advance(200)
    expect(wanted('onDemand')).toBe(`${8 * MIB}-${8 * MIB + pieceLength}`)
    leave()
  })

  test('has one told over HTTP while no origin has taken the node in, anew before it forgets, and not any more afterwards', async () => {
    await using lab = swarmLab([blob])
    const { wanted, hint, leave } = await readsAlone(lab)
    const { wants } = lab.sources
    await lab.clock.advance(900)
    expect(wants).toEqual([])
    await lab.clock.advance(5_000)
    const want = { priority: 'onDemand', ranges: [{ start: 8 * MIB, end: 8 * MIB + pieceLength }] }
    expect(wants).toEqual([want])
    await lab.clock.advance(4_000)
    expect(wants).toEqual([want, want])
    hint()
    await lab.clock.advance(20_000)
    expect(wanted('onDemand')).toBe(`${8 * MIB}-${8 * MIB + pieceLength}`)
    expect(wants).toHaveLength(2)
    leave()
  })

  test('has one told over HTTP anew when the last origin is lost, whatever was said that way before', async () => {
    await using lab = swarmLab([blob])
    const { origin, wanted, hint, leave } = await readsAlone(lab)
    const { wants } = lab.sources
    await lab.clock.advance(5_000)
    hint()
    await lab.clock.advance(200)
    expect(wanted('onDemand')).toBe(`${8 * MIB}-${8 * MIB + pieceLength}`)
    expect(wants).toHaveLength(1)
    await lab.run(origin.engine.stop())
    // Sooner than what was said at first is forgotten.
    await lab.clock.advance(2_000)
    expect(wants).toHaveLength(2)
    leave()
  })

  test('has the origin told that nobody wants them when it leaves, or is lost', async () => {
    await using lab = swarmLab([blob])
    const { ref, wanted } = await arrivingAt(lab, blob)
    const [leaving, lost] = [await lab.agent(), await lab.agent()]
    const read = async (agent: typeof leaving, start: number) => {
      const handle = await lab.run(agent.engine.open(ref))
      const stream = handle.read({ start, end: start + 1 }, { fills: false })
      stream.resume()
      await lab.clock.advance(200)
      return stream
    }
    const stream = await read(leaving, 0)
    await read(lost, 8 * MIB)
    expect(wanted('onDemand')).toBe(`0-${pieceLength} ${8 * MIB}-${8 * MIB + pieceLength}`)
    stream.destroy()
    await lab.clock.advance(200)
    expect(wanted('onDemand')).toBe(`${8 * MIB}-${8 * MIB + pieceLength}`)
    await lab.run(lost.engine.stop())
    await lab.clock.advance(200)
    expect(wanted('onDemand')).toBe('')
  })

  test('of a long range wants what is next, and more of it the further it has come', async () => {
    await using lab = swarmLab([blob])
    const { ref, heard, wanted, bring } = await arrivingAt(lab, blob)
    const agent = await lab.agent()
    const handle = await lab.run(agent.engine.open(ref))
    const stream = handle.read({ start: 2 * MIB, end: 16 * MIB }, { fills: false })
    const bytes = readAll(stream)
    await lab.clock.advance(200)
    expect(wanted('onDemand')).toBe(`${2 * MIB}-${4 * MIB}`)
    for (let piece = 8; piece < count; piece += 1) {
      await bring(piece)
      await lab.clock.advance(50)
    }
    expect(same(await lab.run(bytes), part({ start: 2 * MIB, end: 16 * MIB }))).toBe(true)
    await lab.clock.advance(200)
    const lengths = heard.map(({ ranges }) => ranges.reduce((sum, { start, end }) => sum + end - start, 0))
    expect(Math.max(...lengths)).toBeGreaterThan(3 * MIB)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(8 * MIB)
    // One message for each piece would be 56.
    expect(heard.length).toBeLessThan(30)
    expect(wanted('onDemand')).toBe('')
    handle.close()
  })

  test('of ranges that follow each other wants what comes next, as less urgent; of scattered ones it does not', async () => {
    await using lab = swarmLab([blob])
    const { ref, wanted, bring } = await arrivingAt(lab, blob)
    const agent = await lab.agent()
    const handle = await lab.run(agent.engine.open(ref))
    const read = async (first: number) => {
      const range = { start: first * pieceLength, end: (first + 2) * pieceLength }
      const bytes = readAll(handle.read(range, { fills: false }))
      await lab.clock.advance(200)
      await bring(first, first + 1)
      expect(same(await lab.run(bytes), part(range))).toBe(true)
      await lab.clock.advance(200)
    }
    await read(40)
    await read(8)
    await read(20)
    expect(wanted('prefetch')).toBe('')
    await read(22)
    expect(wanted('prefetch')).toBe(`${24 * pieceLength}-${32 * pieceLength}`)
    expect(agent.received.origin).toBe(8 * pieceLength)
    await lab.clock.advance(6_000)
    expect(wanted('prefetch')).toBe('')
    handle.close()
  })

  test('that reads several ranges wants the first of the later ones together with the first', async () => {
    await using lab = swarmLab([blob])
    const { ref, wanted } = await arrivingAt(lab, blob)
    const agent = await lab.agent()
    const handle = await lab.run(agent.engine.open(ref))
    const later = [9, 3].map((piece) => ({ start: piece * pieceLength + 5, end: piece * pieceLength + 6 }))
    const huge = { start: 24 * pieceLength, end: 16 * MIB }
    // Behind so much, what is still later is told later.
    later.push(huge, { start: 20 * pieceLength, end: 20 * pieceLength + 1 })
    handle.read({ start: 0, end: 1 }, { fills: false, later }).resume()
    await lab.clock.advance(200)
    const ranges = [0, 3, 9].map((piece) => `${piece * pieceLength}-${(piece + 1) * pieceLength}`)
    expect(wanted('onDemand')).toBe([...ranges, `${huge.start}-${huge.end}`].join(' '))
    handle.close()
  })

  test('says how urgent it is, and by default that the rest is wanted, too', async () => {
    await using lab = swarmLab([blob])
    const { ref, wanted, bring, finish } = await arrivingAt(lab, blob)
    const agent = await lab.agent()
    const handle = await lab.run(agent.engine.open(ref))
    const early = readAll(handle.read({ start: 0, end: pieceLength }, { priority: 'prefetch' }))
    const urgent = readAll(handle.read({ start: 8 * MIB, end: 8 * MIB + 1 }))
    await lab.clock.advance(200)
    expect(wanted('onDemand')).toBe(`${8 * MIB}-${8 * MIB + pieceLength}`)
    expect(wanted('prefetch')).toBe(`0-${pieceLength}`)
    expect(wanted('fill')).toBe(`${pieceLength}-${8 * MIB} ${8 * MIB + pieceLength}-${16 * MIB}`)
    await bring(...Array.from({ length: count }, (_, piece) => piece))
    await finish()
    await lab.run(Promise.all([early, urgent]))
    handle.close()
    await lab.clock.advance(500)
    expect((await agent.store.stat(blob.digest))?.size).toBe(blob.bytes.length)
    expect(agent.received.origin).toBe(blob.bytes.length)
  })

  test('gives what it has got to the next one, who fetches nothing else either', async () => {
    await using lab = swarmLab([blob])
    const { ref, bring } = await arrivingAt(lab, blob)
    const [first, second] = [await lab.agent(), await lab.agent()]
    const read = async ({ engine }: typeof first) => {
      const handle = await lab.run(engine.open(ref))
      const bytes = readAll(handle.read({ start: 8 * MIB, end: 8 * MIB + 10 }, { fills: false }))
      await lab.clock.advance(200)
      await bring(3, 32, 60)
      expect(same(await lab.run(bytes), part({ start: 8 * MIB, end: 8 * MIB + 10 }))).toBe(true)
      await lab.clock.advance(1_000)
      handle.close()
    }
    await read(first)
    await read(second)
    expect([first.received, second.received]).toEqual([
      { origin: pieceLength, peer: 0 },
      { origin: 0, peer: pieceLength },
    ])
    expect(await second.store.partials()).toMatchObject([{ digest: blob.digest, bytes: pieceLength }])
  })

  test('has every origin told that begins to bring the blob, also later', async () => {
    await using lab = swarmLab([blob])
    const first = await arrivingAt(lab, blob)
    const agent = await lab.agent()
    const handle = await lab.run(agent.engine.open(first.ref))
    handle.read({ start: 0, end: 1 }, { fills: false }).resume()
    await lab.clock.advance(200)
    const second = await arrivingAt(lab, blob)
    await lab.clock.advance(6_000)
    expect([first.wanted('onDemand'), second.wanted('onDemand')]).toEqual([`0-${pieceLength}`, `0-${pieceLength}`])
    handle.close()
  })

  test('keeps being wanted for as long as it waits', async () => {
    await using lab = swarmLab([blob])
    const { ref, origin, heard, wanted } = await arrivingAt(lab, blob)
    const agent = await lab.agent()
    const handle = await lab.run(agent.engine.open(ref))
    handle.read({ start: 0, end: 1 }, { fills: false }).resume()
    await lab.clock.advance(25_000)
    expect(wanted('onDemand')).toBe(`0-${pieceLength}`)
    expect(heard).toHaveLength(1)
    expect(origin.metrics.value('shoal_swarm_wants_total', { priority: 'onDemand' })).toBe(4)
    handle.close()
  })
})
