import { describe, expect, test } from '@jest/globals'
import { deferred } from '../../../../../lib/base/index.ts'
import { give, lie, MIB, scriptedDownload } from '../../../../kit/scripted-download.ts'

type Scripted = ReturnType<typeof scriptedDownload>

/** Why the piece is not here, and for whom it waits. */
const why = ({ download }: Scripted, piece = 0) => {
  const { cause, from, holders } = download.why(piece)
  return [cause, from?.id, holders]
}

/** Each test begins with the cause that it provokes: a test of the docs looks for all of them. */
describe('a piece that is not here', () => {
  test('noPeers: waits for somebody to come', () => {
    expect(why(scriptedDownload())).toEqual(['noPeers', undefined, 0])
  })

  test('unheld: waits for a connected peer to have it', () => {
    const lab = scriptedDownload()
    lab.join('a', { pieces: 4, has: [1] })
    expect(why(lab)).toEqual(['unheld', undefined, 0])
  })

  test('busy: waits for a peer that has it and serves others', async () => {
    const lab = scriptedDownload()
    const peer = lab.join('a')
    peer.choked = true
    for (const request of peer.open) request.reject('PEER_REJECTED')
    await lab.settle()
    expect(why(lab)).toEqual(['busy', 'a', 1])
  })

  test('busy: waits for a peer that rejects what it is asked for', async () => {
    const lab = scriptedDownload()
    for (const request of lab.join('a').open) request.reject('PEER_REJECTED')
    await lab.settle()
    expect(why(lab)).toEqual(['busy', 'a', 1])
    expect(lab.download.sources).toMatchObject([{ id: 'a', refused: 4 }])
  })

  test('refused: waits for an origin that gives it to others', async () => {
    const lab = scriptedDownload()
    const origin = lab.join('o', { pieces: 4, role: 'origin' })
    lab.download.peerDenies('o', { piece: 0, retryMs: 3_000 })
    for (const request of origin.open) request.reject('PEER_REJECTED')
    await lab.settle()
    expect(why(lab)).toEqual(['refused', 'o', 1])
    await lab.clock.advance(3_100)
    expect(why(lab)).toEqual(['arriving', 'o', 0])
  })

  test('queued: waits for peers that give other pieces first', () => {
    const lab = scriptedDownload({ pieces: 4 })
    const { open } = lab.join('a')
    const [asked] = open.map(({ block }) => block.piece)
    const other = [0, 1, 2, 3].find((piece) => piece !== asked)
    expect(why(lab, other)).toEqual(['queued', 'a', 1])
  })

  test('arriving: comes from a peer that was asked for it', () => {
    const lab = scriptedDownload()
    lab.join('a')
    expect(why(lab)).toEqual(['arriving', 'a', 0])
  })

  /** Two peers have given a piece each in so many milliseconds, and one of them is asked for another. */
  async function beside(lab: Scripted, ms: { readonly fast: number; readonly slow: number }): Promise<number> {
    const [fast, slow] = [lab.join('fast', { pieces: 4, has: [0, 2] }), lab.join('slow', { pieces: 4, has: [1, 3] })]
    await lab.clock.advance(ms.fast)
    for (const request of fast.open) give(request)
    await lab.clock.advance(ms.slow - ms.fast)
    for (const request of slow.open) give(request)
    await lab.settle()
    return slow.open[0]?.block.piece ?? -1
  }

  test('slowPeer: comes from a peer below a quarter of the median', async () => {
    const lab = scriptedDownload({ pieces: 4 })
    const piece = await beside(lab, { fast: 100, slow: 900 })
    expect(why(lab, piece)).toEqual(['slowPeer', 'slow', 0])
  })

  test('arriving: comes from a peer that is not so much slower than the others', async () => {
    const lab = scriptedDownload({ pieces: 4 })
    const piece = await beside(lab, { fast: 100, slow: 300 })
    expect(why(lab, piece)).toEqual(['arriving', 'slow', 0])
  })

  test('timedOut: waits for a peer that did not answer in time', async () => {
    const lab = scriptedDownload()
    lab.join('a')
    await lab.clock.advance(5_150)
    expect(why(lab)).toEqual(['timedOut', 'a', 1])
    expect(lab.download.sources).toMatchObject([{ id: 'a', late: 1, bytes: 0 }])
  })

  test('wrongBytes: comes again, because its bytes were wrong, and it is known from whom', async () => {
    const lab = scriptedDownload()
    for (const request of lab.join('liar').open) request.answer(lie(request))
    await lab.settle()
    lab.download.removePeer('liar')
    lab.join('b')
    expect(why(lab)).toEqual(['wrongBytes', 'b', 0])
    expect(lab.download.sources).toMatchObject([
      { id: 'liar', wrong: 1 },
      { id: 'b', wrong: 0 },
    ])
  })

  test('ownLimit: waits for the download limit of the node', async () => {
    const lab = scriptedDownload({ pieces: 4, rate: 1_000 })
    const peer = lab.join('a')
    await lab.settle()
    give(peer.open[0])
    await lab.settle()
    expect([0, 1, 2, 3].map((piece) => why(lab, piece)[0])).toContain('ownLimit')
  })

  test('memory: waits for memory, though a peer could be asked for it', () => {
    const lab = scriptedDownload({ pieces: 4, budgetBytes: MIB })
    const { open } = lab.join('a')
    const asked = open[0]?.block.piece
    lab.join('b')
    const other = [0, 1, 2, 3].find((piece) => piece !== asked)
    expect(why(lab, other)).toEqual(['memory', undefined, 2])
  })

  test('hash: is here and is being checked', () => {
    const lab = scriptedDownload()
    for (const request of lab.join('a').open) give(request)
    expect(why(lab)).toEqual(['hash', undefined, 0])
  })

  test('disk: was right and is being stored', async () => {
    const stored = deferred()
    const lab = scriptedDownload({ stored: stored.promise })
    for (const request of lab.join('a').open) give(request)
    await lab.settle()
    expect(why(lab)).toEqual(['disk', undefined, 0])
    stored.resolve()
  })
})

test('what a peer gave is remembered when it leaves and comes back', async () => {
  const lab = scriptedDownload({ pieces: 2 })
  give(lab.join('a').open[0])
  await lab.settle()
  lab.download.removePeer('a')
  give(lab.join('a').open[0])
  await lab.settle()
  expect(lab.download.sources).toMatchObject([{ id: 'a', bytes: 512 * 1024, address: '10.0.0.9:1' }])
})
