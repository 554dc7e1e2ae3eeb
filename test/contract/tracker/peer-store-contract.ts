import { expect, test } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import {
  provenPeer,
  type SharingTrackerInit,
  sharingTracker,
  stockPeer,
  wantedBlob,
} from '../../kit/sharing-trackers.ts'

/** What a tracker promises with every peer store. */
export function peerStoreContract(place: () => SharingTrackerInit): void {
  let blobs = 0
  const blob = () => {
    blobs += 1
    return wantedBlob(`contract ${blobs}`)
  }
  const tracker = (init: SharingTrackerInit = {}) =>
    buildResource(async (stack) => stack.own(await sharingTracker({ ...place(), ...init })))

  test.each(['10.0.0.1', '2001:db8::1'])('names a peer at %s to those who come after it', async (host) => {
    await using it = await tracker()
    const [wanted, first, second] = [blob(), provenPeer(), provenPeer()]
    expect(await it.announce(first, wanted, { host })).toEqual([])
    const { peerId, port, role } = first
    expect(await it.announce(second, wanted, { host })).toEqual([{ peerId, host, port, role, complete: false }])
  })

  test('forgets a peer that leaves, and a blob that a node has no longer', async () => {
    await using it = await tracker()
    const [wanted, leaver, seeder] = [blob(), stockPeer(), provenPeer()]
    await it.announce(leaver, wanted)
    it.seed(seeder, { add: [wanted] })
    expect(await it.named(wanted)).toHaveLength(2)
    await it.announce(leaver, wanted, { event: 'stopped' })
    it.seed(seeder, { remove: [wanted] })
    expect(await it.named(wanted)).toEqual([])
  })

  test('forgets a peer, and a node with what it has, after two and a half intervals of silence', async () => {
    await using it = await tracker({ intervalMs: 200 })
    const [wanted, downloader, seeder] = [blob(), provenPeer(), provenPeer()]
    // Again when the machine stood still for so long that they were forgotten before anybody asked.
    await eventually(async () => {
      await it.announce(downloader, wanted)
      it.seed(seeder, { add: [wanted] })
      expect(await it.named(wanted)).toHaveLength(2)
    })
    await eventually(async () => expect(await it.named(wanted)).toEqual([]))
  })

  test('after a restart, names every peer that has announced again within its interval', async () => {
    const [wanted, downloader, seeder] = [blob(), provenPeer(), provenPeer()]
    const before = await tracker()
    await before.announce(downloader, wanted)
    before.seed(seeder, { add: [wanted] })
    await before[Symbol.asyncDispose]()
    await using after = await tracker()
    await after.announce(downloader, wanted)
    after.seed(seeder, { add: [wanted] })
    expect(await after.named(wanted)).toEqual([
      { peerId: seeder.peerId, complete: true },
      { peerId: downloader.peerId, complete: false },
    ])
  })

  test('lets nobody take the id of another', async () => {
    await using it = await tracker()
    const [wanted, stock, proven] = [blob(), stockPeer(), provenPeer()]
    for (const peer of [stock, proven]) await it.announce(peer, wanted)
    for (const peer of [stock, proven]) {
      expect(await it.announce({ ...peer, key: 'guess', port: 666 }, wanted)).toBeUndefined()
    }
  })

  test('answers at once about a swarm that peers are heard of in', async () => {
    await using it = await tracker()
    const wanted = blob()
    await it.announce(provenPeer(), wanted)
    expect(it.store.ready([wanted.swarmId])).toBeUndefined()
  })
}
