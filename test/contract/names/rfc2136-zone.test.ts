import { describe, expect, test } from '@jest/globals'
import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { nameServer, rfc2136Zone } from '../../../services/controller/names/index.ts'
import {
  addressData,
  addressOf,
  CLASS,
  TYPE,
  textOf,
} from '../../../services/controller/names/zones/rfc2136/message.ts'
import type { TsigKey } from '../../../services/controller/names/zones/rfc2136/tsig.ts'
import { updateServer } from '../../kit/update-server/update-server.ts'
import { type ZoneWorld, zoneSuite } from './zone-suite.ts'

const ZONE = 'p2p.test'
const BASE = `c1.${ZONE}`
const MARK = 'shoal:one'
const KEY: TsigKey = {
  name: 'shoal',
  algorithm: 'hmac-sha256',
  secret: Buffer.from('a secret of thirty-two bytes, ok'),
}

const open = async () => {
  const server = await updateServer(ZONE, KEY)
  const add = (name: string, address: string, ttl: number) => {
    const record = { name, type: TYPE.A, class: CLASS.IN, ttl, data: addressData(address) }
    server.records = [...server.records, record]
  }
  const world = {
    server,
    zone: (mark = MARK, key: TsigKey = KEY) => {
      const components = { clock: systemClock(), random: seededRandom(1), key: () => key }
      const at = nameServer(components, { host: '127.0.0.1', port: server.port })
      return rfc2136Zone({ server: at }, { zone: ZONE, base: BASE, mark })
    },
    foreign: async (records) => {
      for (const { name, address, ttl } of records) add(name, address, ttl)
    },
    add,
    addresses: async (name) =>
      server.records.flatMap((record) =>
        record.name === name && record.type === TYPE.A ? [addressOf(record.data)] : [],
      ),
    async others() {
      const marked = (name: string, address: string) =>
        server.records.some((mark) => mark.name === `_shoal.${name}` && textOf(mark.data) === `${MARK} ${address}`)
      const theirs = server.records.filter((record) =>
        record.type === TYPE.A
          ? !marked(record.name, addressOf(record.data))
          : !textOf(record.data).startsWith(`${MARK} `),
      )
      return theirs.map(({ name, type, ttl, data }) => `${name} ${type} ${ttl} ${data.toString('hex')}`).join('\n')
    },
    breakOff: () => server.stop(),
    [Symbol.asyncDispose]: () => server.stop(),
  } satisfies ZoneWorld & Record<string, unknown>
  return world
}

zoneSuite('rfc2136', { open, keepsTtl: true })

const record = (address: string, name = BASE, ttl = 10) => ({ name, address, ttl })

describe('a name server that takes updates', () => {
  test('gets no update when all is there, and leaves nothing behind when all is removed', async () => {
    await using world = await open()
    const zone = world.zone()
    await zone.put([record('10.0.0.1'), record('10.0.0.1', `a.${BASE}`)])
    const { updates } = world.server
    await zone.put([record('10.0.0.1')])
    expect(world.server.updates).toBe(updates)
    await zone.remove(await zone.read([BASE]))
    expect(world.server.records).toEqual([])
  })

  test('that is changed between the look and the update keeps what somebody else has put there', async () => {
    await using world = await open()
    const zone = world.zone()
    world.server.beforeUpdate = () => {
      world.server.beforeUpdate = () => undefined
      world.add(BASE, '10.0.0.2', 10)
    }
    await zone.put([record('10.0.0.1'), record('10.0.0.2')])
    const found = (await zone.read([BASE])).map(({ address, own }) => [address, own])
    expect(found.sort()).toEqual([
      ['10.0.0.1', true],
      ['10.0.0.2', false],
    ])
  })

  test('that is changed at every try fails, and nothing is written', async () => {
    await using world = await open()
    let last = 0
    world.server.beforeUpdate = () => {
      last += 1
      world.add(BASE, `10.1.0.${last}`, 10)
    }
    await expect(world.zone().put([record('10.0.0.1')])).rejects.toMatchObject({ code: 'ZONE_UNAVAILABLE' })
    expect(await world.addresses(BASE)).not.toContain('10.0.0.1')
  })

  test('keeps the TTL of a name that is not ours alone, and tells none', async () => {
    await using world = await open()
    await world.foreign([record('10.9.0.1', BASE, 600)])
    const before = await world.others()
    const zone = world.zone()
    await zone.put([record('10.0.0.1')])
    expect(await world.others()).toBe(before)
    expect((await zone.read([BASE])).map(({ ttl }) => ttl)).toEqual([undefined, undefined])
  })

  test('whose address somebody has taken out by hand has it as his when he puts it there again', async () => {
    await using world = await open()
    const zone = world.zone()
    await zone.put([record('10.0.0.1'), record('10.0.0.2')])
    const without = () => world.server.records.filter(({ type, data }) => type !== TYPE.A || data[3] !== 2)
    world.server.records = without()
    await zone.put([record('10.0.0.3')])
    world.add(BASE, '10.0.0.2', 10)
    expect((await zone.read([BASE])).find(({ address }) => address === '10.0.0.2')).toMatchObject({ own: false })
  })

  test.each<[string, Partial<TsigKey>]>([
    ['secret', { secret: Buffer.from('another secret of some bytes here') }],
    ['name', { name: 'another' }],
    ['algorithm', { algorithm: 'hmac-sha512' }],
  ])('takes nothing that is signed with a key of another %s', async (_, other) => {
    await using world = await open()
    const zone = world.zone(MARK, { ...KEY, ...other })
    await expect(zone.read([BASE])).rejects.toMatchObject({ code: 'ZONE_DENIED' })
    await expect(zone.put([record('10.0.0.1')])).rejects.toMatchObject({ code: 'ZONE_DENIED' })
    expect(world.server.records).toEqual([])
  })

  test.each<[string, (bytes: Buffer) => Buffer, string]>([
    [
      'were changed on the way',
      (bytes) => Buffer.concat([bytes.subarray(0, 3), Buffer.from([(bytes[3] ?? 0) ^ 0x20]), bytes.subarray(4)]),
      'ZONE_DENIED',
    ],
    [
      'are of another question',
      (bytes) => Buffer.concat([Buffer.from([~(bytes[0] ?? 0)]), bytes.subarray(1)]),
      'ZONE_UNAVAILABLE',
    ],
    ['are cut', (bytes) => bytes.subarray(0, bytes.length - 3), 'ZONE_UNAVAILABLE'],
    ['are nothing', () => Buffer.alloc(0), 'ZONE_UNAVAILABLE'],
  ])('has no answers believed that %s', async (_, spoil, code) => {
    await using world = await open()
    await world.zone().put([record('10.0.0.1')])
    world.server.spoil = spoil
    await expect(world.zone().read([BASE])).rejects.toMatchObject({ code })
  })
})
