import { expect, test } from '@jest/globals'
import { digestOf, parseRepository, swarmIdOf } from '../../../../lib/core/index.ts'
import { TorrentSlots } from '../../../../lib/swarm/engine/torrent-slots.ts'

const digest = digestOf(Buffer.from('a'))
const swarmId = swarmIdOf(digest)

class Pulled {
  readonly swarmId = swarmId
  readonly asked
  known = false

  constructor(name: string) {
    this.asked = { digest, repository: parseRepository(name) }
  }
}

function two() {
  const slots = new TorrentSlots<Pulled>()
  const [one, other] = [new Pulled('one'), new Pulled('other')]
  slots.run(one)
  slots.ask(other.asked, other)
  const promote = (torrent: Pulled) => {
    torrent.known = true
    return slots.promote(torrent)
  }
  return { slots, one, other, promote }
}

test('each name finds the torrent that asks for it', () => {
  const { slots, one, other } = two()
  expect(slots.asking(one.asked)).toBe(one)
  expect(slots.asking(other.asked)).toBe(other)
  expect(slots.asking({ digest, repository: parseRepository('third') })).toBeUndefined()
  expect([slots.size, slots.all().length, [...slots.running()].length]).toEqual([2, 2, 1])
})

test('the first with a header runs, and the one before goes on asking', () => {
  const { slots, one, other, promote } = two()
  expect(promote(other)).toBe(true)
  expect(slots.get(swarmId)).toBe(other)
  expect(slots.asking(one.asked)).toBe(one)
  expect(slots.size).toBe(2)
  expect(promote(one)).toBe(false)
  expect(slots.runs(one)).toBe(false)
})

test('what is removed is nowhere, and leaves the others', () => {
  const { slots, one, other, promote } = two()
  slots.remove(one)
  expect(slots.get(swarmId)).toBeUndefined()
  expect(slots.asking(other.asked)).toBe(other)
  expect(promote(other)).toBe(true)
  slots.remove(other)
  expect(slots.size).toBe(0)
})
