import { describe, expect, test } from '@jest/globals'
import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { nameServer, rfc2136Zone, tsigKeyIn } from '../../../services/controller/names/index.ts'
import { type ZoneWorld, zoneSuite } from '../../contract/names/zone-suite.ts'
import { isInstalled } from '../../kit/clients/index.ts'
import { type BindServer, bindServer } from '../../kit/update-server/bind.ts'

const ZONE = 'p2p.test'
const BASE = `c1.${ZONE}`
const MARK = 'shoal:one'

const hasBind = ['named', 'nsupdate', 'dig', 'tsig-keygen'].every((program) => isInstalled(program))
if (!hasBind) process.stdout.write('skipped: no bind9 and bind9-dnsutils are on the path\n')

const zoneOf = ({ port, keyText }: BindServer, mark: string) => {
  const key = tsigKeyIn(keyText, 'the key')
  const server = nameServer(
    { clock: systemClock(), random: seededRandom(port), key: () => key },
    { host: '127.0.0.1', port },
  )
  return rfc2136Zone({ server }, { zone: ZONE, base: BASE, mark })
}

/** Lines of a zone transfer that are not ours: no marks of ours, and no addresses that they name. */
const foreignLines = (lines: readonly string[]) => {
  const parts = lines.map((line) => line.split(/\s+/))
  const ours = new Set(
    parts.flatMap(([name = '', , , type, whose, of]) =>
      type === 'TXT' && whose === `"${MARK}` ? [`${name.replace('_shoal.', '')} ${of?.replace('"', '')}`] : [],
    ),
  )
  return parts.filter(
    ([name, , , type, first]) =>
      !(type === 'TXT' && first === `"${MARK}`) && !(type === 'A' && ours.has(`${name} ${first}`)),
  )
}

const open = async (): Promise<ZoneWorld & { readonly bind: BindServer }> => {
  const bind = await bindServer(ZONE)
  return {
    bind,
    zone: (mark = MARK) => zoneOf(bind, mark),
    foreign: (records) =>
      bind.change(...records.map(({ name, address, ttl }) => `update add ${name}. ${ttl} A ${address}`)),
    addresses: (name) => bind.addresses(name),
    others: async () => JSON.stringify(foreignLines(await bind.records())),
    breakOff: () => bind.kill(),
    [Symbol.asyncDispose]: () => bind[Symbol.asyncDispose](),
  }
}

if (hasBind) {
  zoneSuite('rfc2136 of bind', { open, keepsTtl: true })

  describe('bind', () => {
    test('has fifty addresses of ten names at once, and what nsupdate changes between is seen', async () => {
      await using world = await open()
      const zone = world.zone()
      const names = [BASE, ...Array.from({ length: 9 }, (_, at) => `zone-${at}.${BASE}`)]
      const records = names.flatMap((name) =>
        Array.from({ length: 50 }, (_, at) => ({ name, address: `10.0.0.${at + 1}`, ttl: 10 })),
      )
      await zone.put(records)
      await world.bind.change(`update delete ${BASE}. A 10.0.0.1`, `update add ${BASE}. 10 A 10.0.1.1`)
      const found = await zone.read(names)
      expect(found).toHaveLength(500)
      expect(found.filter(({ own }) => !own).map(({ address }) => address)).toEqual(['10.0.1.1'])
      await zone.remove(found)
      expect(await world.bind.addresses(BASE)).toEqual(['10.0.1.1'])
      expect((await world.bind.records()).filter((line) => line.includes('shoal:'))).toEqual([])
    })

    test('takes nothing that is signed with a key that it does not know', async () => {
      await using world = await open()
      const keyText = world.bind.keyText.replace('shoal-key', 'another')
      const zone = zoneOf({ ...world.bind, keyText }, MARK)
      await expect(zone.put([{ name: BASE, address: '10.0.0.1', ttl: 10 }])).rejects.toMatchObject({
        code: 'ZONE_DENIED',
        detail: { reason: 'BADKEY' },
      })
    })
  })
} else {
  // Without bind9 there is nothing to test, and a file without a test would fail: the run counts one as skipped.
  test.skip('bind9 is not installed', () => undefined)
}
