import { EventEmitter } from 'node:events'
import { expect, test } from '@jest/globals'
import { type ConnectionSlotsInit, connectionSlots } from '../../../lib/http/connection-slots.ts'

/** A connection from this address, which notes that it was closed. */
class Dialled extends EventEmitter {
  destroyed = false
  readonly remoteAddress: string
  constructor(remoteAddress: string) {
    super()
    this.remoteAddress = remoteAddress
  }
  destroy() {
    this.destroyed = true
    this.emit('close')
  }
}

function slotsLab(init: ConnectionSlotsInit) {
  const closedFor: string[] = []
  const slots = connectionSlots(init, (full) => closedFor.push(full))
  const dial = (address: string) => {
    const connection = new Dialled(address)
    slots.add(connection)
    return connection
  }
  const dialMany = (count: number, address: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => dial(address(index)))
  return { slots, closedFor, dial, dialMany }
}

const open = (connections: readonly Dialled[]) => connections.filter(({ destroyed }) => !destroyed).length

test('one address has its share of the places, also with requests, and its own oldest idle connection goes', () => {
  const { slots, closedFor, dial, dialMany } = slotsLab({ max: 8, addressShare: 0.75 })
  const busy = dialMany(5, () => '192.0.2.1')
  for (const connection of busy) slots.use(connection)
  const idle = dialMany(2, () => '192.0.2.1')
  expect(idle.map(({ destroyed }) => destroyed)).toEqual([true, false])
  slots.use(idle[1]!)
  expect(dial('192.0.2.1').destroyed).toBe(true)
  expect(open(busy)).toBe(5)
  expect(open([dial('192.0.2.2'), dial('192.0.2.3')])).toBe(2)
  expect(closedFor).toEqual(['address_connections', 'address_connections'])
})

test('when all places are taken, the address with the most idle connections makes room', () => {
  const { closedFor, dial, dialMany } = slotsLab({ max: 8, addressShare: 0.75 })
  const early = dial('192.0.2.9')
  const many = dialMany(6, () => '192.0.2.1')
  const late = dialMany(3, (index) => `198.51.100.${index}`)
  expect([early.destroyed, open(late)]).toEqual([false, 3])
  expect(many.map(({ destroyed }) => destroyed)).toEqual([true, true, false, false, false, false])
  expect(closedFor).toEqual(['connections', 'connections'])
})

test('a network of IPv6 is one address, however many it has', () => {
  const { dial, dialMany } = slotsLab({ max: 8, addressShare: 0.5 })
  const network = dialMany(20, (index) => `2001:db8:0:1::${index.toString(16)}`)
  expect(open(network)).toBe(4)
  expect(dial('2001:db8:0:2::1').destroyed).toBe(false)
  expect(open(network)).toBe(4)
})

test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1'])(
  'the programs of this machine (%s) may take every place',
  (here) => {
    const { closedFor, dialMany } = slotsLab({ max: 8, addressShare: 0.5 })
    expect(open(dialMany(9, () => here))).toBe(8)
    expect(closedFor).toEqual(['connections'])
  },
)

test('a place that was left is free again', () => {
  const { dial, dialMany } = slotsLab({ max: 4, addressShare: 0.5 })
  for (let round = 0; round < 3; round += 1) {
    const both = dialMany(2, () => '192.0.2.1')
    expect(open(both)).toBe(2)
    for (const connection of both) connection.destroy()
  }
  expect(dial('192.0.2.1').destroyed).toBe(false)
})
