import { describe, expect, test } from '@jest/globals'
import { swarmLimits } from '../../../../../lib/swarm/index.ts'
import { blocksOf, bytesOf, give, isRight, lie, MIB, scriptedDownload } from '../../../../kit/scripted-download.ts'
import { scriptedPeer } from '../../../../kit/scripted-peer.ts'

describe('a download', () => {
  test('asks one peer for all blocks of a piece, checks and hands over the piece', async () => {
    const { join, taken, settle, buffers } = scriptedDownload()
    const peer = join('a')
    expect(blocksOf(peer)).toEqual([0, 1, 2, 3])
    for (const request of peer.open) give(request)
    await settle()
    expect(isRight(taken.get(0))).toBe(true)
    expect(buffers.usedBytes).toBe(0)
  })

  test('that stops while a piece is checked hands over nothing and gives its memory back', async () => {
    const { join, download, taken, settle, buffers } = scriptedDownload()
    for (const request of join('a').open) give(request)
    download.stop()
    await settle()
    expect(taken.size).toBe(0)
    expect(buffers.usedBytes).toBe(0)
  })

  test('asks agents before origins', () => {
    const { download } = scriptedDownload()
    const peers = [scriptedPeer('o', { pieces: 4, role: 'origin' }), scriptedPeer('a', { pieces: 4 })] as const
    for (const peer of peers) peer.choked = true
    for (const { connection } of peers) download.addPeer(connection)
    for (const peer of peers) peer.choked = false
    download.wake()
    expect(peers.map(({ open }) => open.length)).toEqual([0, 4])
  })

  test('takes what a peer left unfinished to another one, and keeps what it gave', async () => {
    const { join, download, taken, settle } = scriptedDownload()
    const first = join('a')
    give(first.open[0])
    await settle()
    // An origin is not asked for blocks that were requested from an agent.
    const second = join('b', { pieces: 4, role: 'origin' })
    expect(blocksOf(second)).toEqual([])
    download.removePeer('a')
    expect(blocksOf(second)).toEqual([1, 2, 3])
    for (const request of second.open) give(request)
    await settle()
    expect(isRight(taken.get(0))).toBe(true)
  })

  test('notes how long the blocks of a peer took, and how often it was late', async () => {
    const { join, clock, conducts, settle } = scriptedDownload()
    const peer = join('a')
    await clock.advance(200)
    give(peer.open[0])
    await settle()
    expect(conducts.take('a')).toEqual({ failures: 0, costMs: 200, lied: false })
    await clock.advance(5_000)
    expect(conducts.take('a')).toEqual({ failures: 1, costMs: 0, lied: false })
    expect(conducts.take('a')).toEqual({ failures: 0, costMs: 0, lied: false })
  })

  test('blames no peer, and withdraws nothing, when the node itself stood still', async () => {
    const { join, clock, download, conducts } = scriptedDownload()
    const peer = join('a')
    clock.stall(swarmLimits.maxRequestTimeoutMs + 1_000)
    await clock.advance(20)
    expect([peer.open.length, download.outlook, conducts.take('a').failures]).toEqual([4, 'promised', 0])
    await clock.advance(swarmLimits.maxRequestTimeoutMs)
    expect(conducts.take('a').failures).toBe(1)
  })

  test.each(['onReceived', 'take'] as const)('says so when %s throws in an event of its own', async (name) => {
    const { join, settle, broken } = scriptedDownload({ broken: name })
    for (const request of join('a').open) give(request)
    await settle()
    expect(broken[0]).toMatchObject({ message: 'broken' })
  })

  test('expects something of a late peer while the request waits for the node itself', async () => {
    const { join, clock, download, settle } = scriptedDownload({ pieces: 4, rate: 1_000 })
    const peer = join('a')
    await settle()
    expect([peer.requests.length, download.isHeld(peer.open[0]!.block.piece)]).toEqual([4, false])
    await clock.advance(swarmLimits.maxRequestTimeoutMs)
    await clock.advance(500)
    expect([peer.requests.length, download.outlook]).toEqual([4, 'promised'])
    expect([0, 1, 2, 3].filter((piece) => download.isHeld(piece))).toHaveLength(1)
  })

  test('holds what an agent gives and is not asked for yet, while others wait for the node itself', async () => {
    const { join, download, settle } = scriptedDownload({ pieces: 4, rate: 1_000 })
    const peer = join('a', { pieces: 4, has: [0, 1, 2] })
    await settle()
    give(peer.open[0])
    await settle()
    const sent = new Set(peer.requests.map(({ block }) => block.piece))
    expect([0, 1, 2, 3].filter((piece) => download.isHeld(piece))).toEqual([0, 1, 2].filter((it) => !sent.has(it)))
  })

  test('leaves a peer that rejects alone for a moment, then asks it again', async () => {
    const { join, clock } = scriptedDownload()
    const peer = join('a')
    for (const request of peer.open) request.reject('PEER_REJECTED')
    await clock.advance(50)
    expect(peer.open).toHaveLength(0)
    await clock.advance(3_000)
    expect(blocksOf(peer)).toEqual([0, 1, 2, 3])
  })

  test('withdraws what takes too long and asks somebody else', async () => {
    const { join, clock, download, settle } = scriptedDownload()
    const slow = join('a')
    const other = join('b', { pieces: 4, has: [] })
    await clock.advance(4_000)
    other.have.add(0)
    download.peerHas('b', 0)
    await settle()
    for (const request of other.open) request.reject('PEER_REJECTED')
    await clock.advance(1_100)
    expect(slow.requests.every(({ cancelled }) => cancelled)).toBe(true)
    expect(blocksOf(other)).toEqual([0, 1, 2, 3])
    expect(download.outlook).toBe('promised')
  })

  test('asks a second agent for the last blocks, and the loser is told to stop', async () => {
    const { join, taken, settle, untilSlow, wasted } = scriptedDownload()
    const slow = join('a')
    const fast = join('b')
    expect(blocksOf(fast)).toEqual([])
    await untilSlow()
    expect(blocksOf(fast)).toEqual([0, 1, 2, 3])
    for (const request of fast.open) give(request)
    await settle()
    expect(slow.requests.every(({ cancelled }) => cancelled)).toBe(true)
    expect(isRight(taken.get(0))).toBe(true)
    expect(wasted('repeat')).toBe(0)
    slow.requests[0]?.answer(Buffer.alloc(256 * 1024))
    expect(wasted('repeat')).toBe(256 * 1024)
  })

  test('asks nobody twice while there is more to fetch than its buffers hold', async () => {
    const { join, clock } = scriptedDownload({ pieces: 3, budgetBytes: MIB })
    join('a')
    const idle = join('b')
    await clock.advance(2_000)
    expect(idle.requests).toEqual([])
  })

  test('asks for no more than eight blocks twice at one time', async () => {
    const { join, untilSlow } = scriptedDownload({ pieces: 4 })
    for (const name of ['a', 'b', 'c', 'd']) join(name)
    const idle = [join('e'), join('f'), join('g')]
    expect(idle.flatMap(({ open }) => open)).toEqual([])
    await untilSlow()
    expect(idle.flatMap(({ open }) => open)).toHaveLength(8)
  })

  test('counts what came and was of no use, by why', async () => {
    const { join, clock, download, settle, wasted } = scriptedDownload()
    const late = join('a')
    await clock.advance(swarmLimits.maxRequestTimeoutMs)
    late.requests[0]?.answer(Buffer.alloc(256 * 1024))
    const other = join('b')
    for (const request of other.open) request.answer(lie(request))
    await settle()
    download.removePeer('b')
    const last = join('c')
    give(last.open[0])
    await settle()
    download.stop()
    expect(['late', 'bad', 'dropped', 'repeat'].map(wasted)).toEqual([256 * 1024, MIB, 256 * 1024, 0])
  })

  test('asks an agent instead of an origin for what the agent has got since, and no second agent', async () => {
    const { join, download, settle } = scriptedDownload({ pieces: 3, budgetBytes: MIB })
    const origin = join('o', { pieces: 4, role: 'origin' })
    expect(blocksOf(origin)).toEqual([0, 1, 2, 3])
    const agents = [join('a', { pieces: 4, has: [] }), join('b', { pieces: 4, has: [] })] as const
    for (const { have, connection } of agents) {
      for (const piece of [0, 1, 2]) have.add(piece)
      download.peerHas(connection.hello.peerId, undefined)
    }
    await settle()
    expect(origin.open).toEqual([])
    expect(blocksOf(agents[0])).toEqual([0, 1, 2, 3])
    expect(agents[1].requests).toEqual([])
  })

  test('never asks an origin for a block that an agent was asked for', () => {
    const { join } = scriptedDownload()
    join('a')
    expect(join('o', { pieces: 4, role: 'origin' }).open).toEqual([])
  })

  test('asks an origin too for what a reader waits for, once an agent is late with it', async () => {
    const { join, clock, taken, settle } = scriptedDownload({ windows: [{ next: 0, end: 4, urgent: true }] })
    const slow = join('a')
    const origin = join('o', { pieces: 4, role: 'origin' })
    await clock.advance(900)
    expect(blocksOf(origin)).toEqual([])
    await clock.advance(100)
    expect(blocksOf(origin)).toEqual([0, 1, 2, 3])
    for (const request of origin.open) give(request)
    await settle()
    expect(isRight(taken.get(0))).toBe(true)
    expect(slow.requests.every(({ cancelled }) => cancelled)).toBe(true)
  })

  test('leaves a slow agent its blocks while no reader waits for them', async () => {
    const { join, clock } = scriptedDownload({ windows: [{ next: 0, end: 4, urgent: false }] })
    join('a')
    const origin = join('o', { pieces: 4, role: 'origin' })
    await clock.advance(4_000)
    expect(blocksOf(origin)).toEqual([])
  })

  test('starts no piece beyond the bound of its buffers', async () => {
    const { join, settle } = scriptedDownload({ pieces: 3, budgetBytes: MIB })
    const peers = ['a', 'b', 'c'].map((name) => join(name))
    const started = new Set(peers.flatMap(({ open }) => open.map(({ block }) => block.piece)))
    expect(started.size).toBe(1)
    for (const request of peers[0]?.open ?? []) give(request)
    await settle()
    expect(peers.some(({ open }) => open.some(({ block }) => !started.has(block.piece)))).toBe(true)
  })

  test('takes no memory beyond the bound of all, and gets that of a piece that nobody gives any more', async () => {
    const first = scriptedDownload({ budgetBytes: MIB })
    const second = scriptedDownload({ buffers: first.buffers })
    give(first.join('a').open[0])
    await first.settle()
    const waiting = second.join('b')
    expect([waiting.requests.length, first.buffers.usedBytes]).toEqual([0, MIB])
    first.download.removePeer('a')
    expect(waiting.requests).toEqual([])
    await first.clock.advance(100)
    await second.settle()
    expect([blocksOf(waiting), first.buffers.usedBytes]).toEqual([[0, 1, 2, 3], MIB])
  })

  test('does not keep others waiting when it has no use for its place in the line', async () => {
    const busy = scriptedDownload({ budgetBytes: MIB })
    const [gone, patient] = [scriptedDownload({ buffers: busy.buffers }), scriptedDownload({ buffers: busy.buffers })]
    const peer = busy.join('a')
    gone.join('b')
    gone.download.removePeer('b')
    const waiting = patient.join('c')
    await gone.clock.advance(200)
    for (const request of peer.open) give(request)
    await busy.settle()
    await patient.settle()
    expect(blocksOf(waiting)).toEqual([0, 1, 2, 3])
  })

  test('looks at a peer that owes something when that is due, and no more often', async () => {
    const { clock, wheel, conducts, join } = scriptedDownload({ pieces: 4 })
    const peers = ['a', 'b', 'c', 'd'].map((name) => join(name))
    expect(peers.map(({ open }) => open.length)).toEqual([4, 4, 4, 4])
    await clock.advance(5_099)
    expect(wheel.rung).toBe(0)
    await clock.advance(1)
    expect(wheel.rung).toBe(peers.length)
    expect(conducts.take('a').failures).toBe(1)
  })

  test('stops: everything is withdrawn and its buffers are given back', async () => {
    const { join, download, buffers, settle } = scriptedDownload({ pieces: 3 })
    const peer = join('a')
    download.stop()
    expect(peer.open).toEqual([])
    await settle()
    expect(buffers.usedBytes).toBe(0)
  })
})

describe('a peer that takes small blocks', () => {
  test('cannot write into a piece that is verified with a part of a block it had rejected another part of', async () => {
    const { join, taken, settle, download } = scriptedDownload({ keep: true })
    const liar = join('a', { pieces: 4, blockLength: 16 * 1024 })
    const parts = liar.open.filter(({ block }) => block.offset < 256 * 1024)
    const others = liar.open.filter((request) => !parts.includes(request))
    expect(parts).toHaveLength(16)
    parts[0]?.reject('PEER_REJECTED')
    for (const request of others) give(request)
    await settle()
    const honest = join('b')
    for (const request of honest.open) give(request)
    await settle()
    download.removePeer('b')
    expect(isRight(taken.get(0))).toBe(true)
    for (const part of parts.slice(1)) part.answer(lie(part))
    await settle()
    expect(isRight(taken.get(0))).toBe(true)
  })
})

describe('a bad piece', () => {
  test('with one giver convicts it, and is asked of somebody else', async () => {
    const { join, liars, download, taken, settle } = scriptedDownload()
    const liar = join('a')
    for (const request of liar.open) request.answer(lie(request))
    await settle()
    expect(liars).toEqual(['a'])
    download.removePeer('a')
    const honest = join('b')
    for (const request of honest.open) give(request)
    await settle()
    expect(isRight(taken.get(0))).toBe(true)
    expect(liars).toEqual(['a'])
  })

  test('with several givers is fetched whole from one peer, and convicts only who lied', async () => {
    const { join, liars, taken, settle, untilSlow } = scriptedDownload()
    const liar = join('a')
    const innocent = join('b')
    await untilSlow()
    liar.open[2]?.answer(lie(liar.open[2]))
    await settle()
    for (const request of innocent.open) give(request)
    await settle()
    expect(liars).toEqual([])
    expect(taken.size).toBe(0)
    const [whole, idle] = liar.open.length > 0 ? [liar, innocent] : [innocent, liar]
    const asked: number[] = []
    while (whole.open.length > 0) {
      expect(blocksOf(idle)).toEqual([])
      asked.push(...blocksOf(whole))
      for (const request of whole.open) give(request)
      await settle()
    }
    expect(asked).toEqual([0, 1, 2, 3])
    expect(isRight(taken.get(0))).toBe(true)
    expect(liars).toEqual(['a'])
  })

  test('is fetched whole: what one peer left unfinished is not completed by another', async () => {
    const { join, download, settle, untilSlow } = scriptedDownload()
    const peers = { a: join('a'), b: join('b') }
    await untilSlow()
    peers.a.open[2]?.answer(lie(peers.a.open[2]))
    await settle()
    for (const request of peers.b.open) give(request)
    await settle()
    const [owner, other] = peers.a.open.length > 0 ? (['a', 'b'] as const) : (['b', 'a'] as const)
    give(peers[owner].open[0])
    await settle()
    download.removePeer(owner)
    expect(blocksOf(peers[other])).toEqual([0, 1, 2, 3])
  })

  test('is blamed on its giver only when the hashes are known to be right, and it is asked for nothing until then', async () => {
    const { join, download, taken, liars, settle } = scriptedDownload({ trusted: false, pieces: 4 })
    const liar = join('a')
    const spoilt = liar.open[0]!.block.piece
    for (const request of liar.open.filter(({ block }) => block.piece === spoilt)) request.answer(lie(request))
    await settle()
    download.removePeer('a')
    // One piece stays for later.
    const honest = join('b', { pieces: 4, has: [0, 1, 2, 3].filter((piece) => piece !== (spoilt + 1) % 4) })
    for (let round = 0; round < 3 && !taken.has(spoilt); round += 1) {
      for (const request of honest.open) give(request)
      await settle()
    }
    expect(taken.has(spoilt)).toBe(true)
    expect(taken.size).toBeLessThan(4)
    expect(liars).toEqual([])
    download.removePeer('b')
    const again = join('a')
    expect(blocksOf(again)).toEqual([])
    download.trust()
    expect(liars).toEqual(['a'])
    download.trust()
    expect(liars).toEqual(['a'])
  })

  test('is not blamed on a peer whose block another one was writing too', async () => {
    const { join, taken, liars, settle, untilSlow } = scriptedDownload()
    const honest = join('a')
    const liar = join('b')
    await untilSlow()
    const [mine, theirs] = [honest.open[0], liar.open[0]]
    const good = bytesOf(mine!.block)
    mine?.drip(good.subarray(0, 1_000), 0)
    theirs?.drip(lie(theirs).subarray(0, 1_000), 0)
    mine?.drip(good.subarray(1_000), 1_000)
    mine?.finish()
    for (const request of honest.open) give(request)
    await settle()
    expect(isRight(taken.get(0))).toBe(true)
    expect(liars).toEqual([])
  })

  test('is not made by a second giver that was too late', async () => {
    const { join, taken, liars, settle, untilSlow } = scriptedDownload()
    const first = join('a')
    const second = join('b')
    await untilSlow()
    const late = first.open[0]
    for (const request of second.open) give(request)
    await settle()
    late?.answer(lie(late))
    await settle()
    expect(isRight(taken.get(0))).toBe(true)
    expect(liars).toEqual([])
  })
})
