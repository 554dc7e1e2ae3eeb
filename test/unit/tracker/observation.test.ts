import { describe, expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import {
  digestOf,
  newPeerId,
  ownRepository,
  parseRepositoryName,
  peerIdOf,
  type SwarmId,
} from '../../../lib/core/index.ts'
import { inOrder, MAX_PAGE_BYTES, pageOf } from '../../../services/tracker/admin/page-of.ts'
import { marks, parseTarget } from '../../../services/tracker/control/marks.ts'
import { eventLog } from '../../../services/tracker/events/event-log.ts'
import { feeds } from '../../../services/tracker/hosts/feeds.ts'
import { hostBook } from '../../../services/tracker/hosts/host-book.ts'
import { swarmNames } from '../../../services/tracker/hosts/swarm-names.ts'
import { ownerByKey } from '../../../services/tracker/owner.ts'

const random = seededRandom(7)
const swarmId = '1'.repeat(40) as SwarmId
const peer = () => newPeerId(random)

describe('the book of hosts', () => {
  const facts = (host: string) => ({ peerId: peer(), host, port: 1, role: 'agent' as const })

  test('forgets a node that is silent, and keeps what it said last', async () => {
    const clock = fakeClock()
    const book = hostBook(clock, { maxHosts: 9 })
    const node = facts('10.0.0.1')
    book.seen({ ...node, zone: 'a' }, 'key k', 1000)
    await clock.advance(900)
    book.seen({ ...node, zone: 'b' }, 'key k', 1000)
    await clock.advance(900)
    expect(book.of(node.peerId)).toMatchObject({ zone: 'b' })
    await clock.advance(200)
    expect(book.of(node.peerId)).toBeUndefined()
    book.sweep()
    expect(book.size).toBe(0)
  })

  test('nobody changes what another has said of itself, except who proves that the peer id is his', () => {
    const book = hostBook(fakeClock(), { maxHosts: 9 })
    const node = { ...facts('10.0.0.1'), peerId: peerIdOf('the right key') }
    expect(book.seen({ ...node, zone: 'taken' }, ownerByKey('another key'), 1000)).toBe(true)
    expect(book.seen({ ...node, zone: 'mine' }, ownerByKey('the right key'), 1000)).toBe(true)
    expect(book.seen({ ...node, zone: 'forged' }, ownerByKey('another key'), 1000)).toBe(false)
    expect(book.of(node.peerId)).toMatchObject({ zone: 'mine' })
  })

  test('very long labels are not kept, except those that peers are ordered by', () => {
    const book = hostBook(fakeClock(), { maxHosts: 9 })
    const long = 'x'.repeat(255)
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`label-${i}`, long]))
    const node = { ...facts('10.0.0.1'), labels: { ...many, rack: 'r', host: 'h' } }
    book.seen(node, 'key k', 1000)
    const kept = book.of(node.peerId)?.labels ?? {}
    expect(kept).toMatchObject({ rack: 'r', host: 'h' })
    expect(JSON.stringify(kept).length).toBeLessThan(1500)
  })

  test('one address with very many nodes puts no other out', () => {
    const book = hostBook(fakeClock(), { maxHosts: 10 })
    const others = ['10.0.0.1', '10.0.0.2'].map(facts)
    for (const node of others) book.seen(node, 'key k', 1000)
    for (let i = 0; i < 100; i += 1) book.seen(facts('6.6.6.6'), 'key k', 1000)
    expect(others.map(({ peerId }) => book.of(peerId)?.host)).toEqual(['10.0.0.1', '10.0.0.2'])
    expect(book.size).toBe(10)
  })
})

describe('feeds', () => {
  test('add up, with a rate between two reports', async () => {
    const clock = fakeClock()
    const told = feeds(clock, { maxFeeds: 9 })
    const [from, to] = [peer(), peer()]
    told.reported(swarmId, { from, to, bytes: 1000, failures: 0 })
    await clock.advance(10_000)
    told.reported(swarmId, { from, to, bytes: 50_000, failures: 2 })
    expect(told.of(swarmId)).toEqual([{ from, to, bytes: 51_000, bytesPerSecond: 5000, failures: 2 }])
    expect(told.ratesOf(from)).toEqual({ in: 0, out: 5000 })
    expect(told.ratesOf(to)).toEqual({ in: 5000, out: 0 })
    await clock.advance(300_001)
    expect(told.of(swarmId)).toEqual([])
    expect(told.ratesOf(from)).toEqual({ in: 0, out: 0 })
  })

  test('beyond the total those reported longest ago go', () => {
    const told = feeds(fakeClock(), { maxFeeds: 3 })
    const to = peer()
    const senders = Array.from({ length: 5 }, peer)
    for (const from of senders) told.reported(swarmId, { from, to, bytes: 1, failures: 0 })
    expect(told.of(swarmId).map(({ from }) => from)).toEqual(senders.slice(2))
  })
})

describe('names of swarms', () => {
  test('keep the repositories that were asked for last', () => {
    const names = swarmNames(fakeClock(), { maxSwarms: 2 })
    const digest = digestOf(Buffer.from('x'))
    for (let i = 0; i < 20; i += 1) names.note(swarmId, digest, ownRepository(parseRepositoryName(`team/${i}`)))
    expect(names.of(swarmId)?.repositories).toEqual(Array.from({ length: 8 }, (_, i) => `team/${i + 12}`))
  })
})

describe('marks', () => {
  const markOf = (target: string, untilMs?: number) => ({ target, reason: 'r', by: 'admin', atMs: 0, untilMs })

  test('hold for a node or for all at its address, until they end', async () => {
    const clock = fakeClock()
    const bans = marks(clock, { max: 9, first: [] })
    const node = { peerId: peer(), host: '10.0.0.1' }
    bans.set(markOf('10.0.0.1', clock.now() + 1000))
    expect(bans.of(node)).toMatchObject({ target: '10.0.0.1' })
    await clock.advance(1000)
    expect(bans.of(node)).toBeUndefined()
    expect(bans.all()).toEqual([])
    bans.set(markOf(node.peerId))
    expect(bans.of(node)).toMatchObject({ target: node.peerId })
    expect(bans.of({ ...node, peerId: peer() })).toBeUndefined()
    expect([bans.remove(node.peerId), bans.remove(node.peerId)]).toEqual([true, false])
  })

  test('are as many as fit, and those that have ended make room', async () => {
    const clock = fakeClock()
    const bans = marks(clock, { max: 2, first: [markOf('10.0.0.1'), markOf('10.0.0.2', clock.now() + 10)] })
    expect(() => bans.set(markOf('10.0.0.3'))).toThrow(expect.objectContaining({ code: 'CONTROL_FULL' }))
    bans.set(markOf('10.0.0.1', clock.now() + 20))
    await clock.advance(10)
    bans.set(markOf('10.0.0.3'))
    expect(bans.all().map(({ target }) => target)).toEqual(['10.0.0.1', '10.0.0.3'])
  })

  test.each([
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:0db8:0:0:0:0:0:1', '2001:db8::1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['10.0.0.1', '10.0.0.1'],
  ])('%p is the address %p, as announces come from it', (text, address) => {
    expect(parseTarget(text)).toBe(address)
  })

  test.each(['', 'node-7', '10.0.0.0/8', 'ab'.repeat(19)])('%p names no node', (text) => {
    expect(() => parseTarget(text)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
  })
})

describe('the log of events', () => {
  test('gives what came after an id, and says when something is missing', () => {
    const log = eventLog(fakeClock(), { maxEvents: 3 })
    const ids: string[] = []
    log.listen(({ id }) => ids.push(id))
    for (const target of ['a', 'b', 'c', 'd']) log.add('ban', { target })
    const targets = (id: string | undefined) => log.after(id)?.map(({ facts }) => facts['target'])
    expect(targets(undefined)).toEqual([])
    expect(targets(ids[0])).toEqual(['b', 'c', 'd'])
    expect(targets(ids[3])).toEqual([])
    log.add('ban', { target: 'e' })
    expect(targets(ids[0])).toBeUndefined()
    expect(targets('another-1')).toBeUndefined()
    expect(targets('nonsense')).toBeUndefined()
    expect(targets(`${ids[0]?.split('-')[0]}-99`)).toBeUndefined()
  })

  test('tells nothing to whoever has stopped listening', () => {
    const log = eventLog(fakeClock(), { maxEvents: 3 })
    const heard: string[] = []
    const stop = log.listen(({ kind }) => heard.push(kind))
    log.add('ban', {})
    stop()
    log.add('unban', {})
    expect(heard).toEqual(['ban'])
  })
})

describe('pages', () => {
  const items = Array.from({ length: 57 }, (_, i) => `k${String((i * 23) % 57).padStart(2, '0')}`)

  /** Follows `next` to the end. */
  const pagesOf = (all: readonly string[], count: number, row: (item: string) => string | undefined) => {
    const pages: (readonly string[])[] = []
    for (let last: string | undefined = ''; last !== undefined; ) {
      const asked: { count: number; last: string } = { count, last }
      const { page, next } = pageOf({ items: inOrder(all, (item) => item, asked), keyOf: (item) => item, row }, asked)
      pages.push(page)
      last = next
    }
    return pages
  }

  test('give every item once, in order, whatever the order they come in', () => {
    const pages = pagesOf(items, 10, (item) => item)
    expect(pages.flat()).toEqual(items.toSorted())
    expect(pages.map(({ length }) => length)).toEqual([10, 10, 10, 10, 10, 7])
  })

  test('end before they have more bytes than a client reads', () => {
    const size = MAX_PAGE_BYTES / 4
    const pages = pagesOf(items.slice(0, 10), 10, (item) => item.padEnd(size - 2))
    expect(pages.map(({ length }) => length)).toEqual([4, 4, 2])
  })

  test('of a filter that fits few end after a bounded search, and go on there', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => String(i).padStart(5, '0'))
    let looks = 0
    const row = (item: string) => {
      looks += 1
      return item === '09999' ? item : undefined
    }
    const { page, next } = pageOf({ items: many, keyOf: (item) => item, row }, { count: 10 })
    expect([page, looks, next]).toEqual([[], 2048, '02047'])
  })
})
