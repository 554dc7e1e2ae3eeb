import { describe, expect, test } from '@jest/globals'
import type { FoundRecord, WantedRecord, Zone } from '../../../services/controller/names/index.ts'

/** A zone with its surroundings. */
export interface ZoneWorld extends AsyncDisposable {
  /** As one controller sees it; the mark says whose records are its own. */
  zone(mark?: string): Zone
  /** Makes records without any mark of ours, as a person would. */
  foreign(records: readonly WantedRecord[]): Promise<void>
  /** The addresses that a name has, whosoever they are. */
  addresses(name: string): Promise<readonly string[]>
  /** All that is there and not ours, in any form that shows each change. */
  others(): Promise<string>
  /** Nothing answers any more. */
  breakOff(): Promise<void>
}

export interface ZoneSuiteInit {
  readonly open: () => Promise<ZoneWorld>
  /** It keeps a TTL for each record, or for each name. */
  readonly keepsTtl: boolean
}

const BASE = 'c1.p2p.test'
const ZONE_A = `a.${BASE}`
const record = (address: string, name = BASE, ttl = 10): WantedRecord => ({ name, address, ttl })

const shown = (found: readonly FoundRecord[]) =>
  found.map(({ name, address, own }) => `${own ? 'own' : 'other'} ${name} ${address}`).sort()

/** What every zone promises. */
export function zoneSuite(name: string, { open, keepsTtl }: ZoneSuiteInit): void {
  describe(`zone ${name}`, () => {
    test('has what was put, of several names, and shows it as ours', async () => {
      await using world = await open()
      const zone = world.zone()
      expect(await zone.read([BASE])).toEqual([])
      await zone.put([record('10.0.0.1'), record('10.0.0.2'), record('10.0.0.1', ZONE_A)])
      const found = await zone.read([BASE])
      expect(shown(found)).toEqual([`own ${ZONE_A} 10.0.0.1`, `own ${BASE} 10.0.0.1`, `own ${BASE} 10.0.0.2`].sort())
      expect(found.map(({ ttl }) => ttl)).toEqual(keepsTtl ? [10, 10, 10] : [undefined, undefined, undefined])
      expect([...(await world.addresses(BASE))].sort()).toEqual(['10.0.0.1', '10.0.0.2'])
    })

    test('loses what is removed, and nothing else; twice is as once', async () => {
      await using world = await open()
      const zone = world.zone()
      await zone.put([record('10.0.0.1'), record('10.0.0.2'), record('10.0.0.1', ZONE_A)])
      const going = (await zone.read([BASE])).filter((one) => one.name === BASE && one.address === '10.0.0.1')
      await zone.remove(going)
      await zone.remove(going)
      expect(shown(await zone.read([BASE]))).toEqual([`own ${ZONE_A} 10.0.0.1`, `own ${BASE} 10.0.0.2`].sort())
      await zone.remove(await zone.read([BASE]))
      expect(await world.addresses(BASE)).toEqual([])
    })

    test('has a record once, however often it is put, also by who has not read it', async () => {
      await using world = await open()
      await world.zone().put([record('10.0.0.1')])
      const other = world.zone()
      await other.put([record('10.0.0.1'), record('10.0.0.2')])
      await other.put([record('10.0.0.2')])
      expect([...(await world.addresses(BASE))].sort()).toEqual(['10.0.0.1', '10.0.0.2'])
    })

    test('changes nothing that is not ours, though it has the same name and the same address', async () => {
      await using world = await open()
      const foreign = [record('10.9.0.1'), record('10.9.0.2', ZONE_A), record('10.9.0.3', `www.${BASE}`)]
      await world.foreign(foreign)
      await world.zone('shoal:another').put([record('10.8.0.1')])
      const before = await world.others()
      const zone = world.zone()
      expect(shown(await zone.read([BASE, ZONE_A]))).toEqual(
        [`other ${BASE} 10.8.0.1`, `other ${BASE} 10.9.0.1`, `other ${ZONE_A} 10.9.0.2`].sort(),
      )
      await zone.put([record('10.0.0.1'), record('10.9.0.1')])
      await zone.remove((await zone.read([BASE])).map((one) => ({ ...one })))
      expect(await world.others()).toBe(before)
      expect(await world.addresses(BASE)).toContain('10.9.0.1')
    })

    if (keepsTtl)
      test('gives a record of ours the TTL with which it is put again', async () => {
        await using world = await open()
        const zone = world.zone()
        await zone.put([record('10.0.0.1')])
        await zone.read([BASE])
        await zone.put([record('10.0.0.1', BASE, 30)])
        expect((await zone.read([BASE])).map(({ address, ttl }) => [address, ttl])).toEqual([['10.0.0.1', 30]])
      })

    test('says so when nothing answers, and when it is given up', async () => {
      await using world = await open()
      const zone = world.zone()
      const given = { signal: AbortSignal.abort() }
      await expect(zone.read([BASE], given)).rejects.toMatchObject({ code: 'ABORTED' })
      await expect(zone.put([record('10.0.0.1')], given)).rejects.toMatchObject({ code: 'ABORTED' })
      await world.breakOff()
      const failure = { code: expect.stringMatching(/^ZONE_/) }
      await expect(zone.read([BASE])).rejects.toMatchObject(failure)
      await expect(zone.put([record('10.0.0.1')])).rejects.toMatchObject(failure)
    })
  })
}
