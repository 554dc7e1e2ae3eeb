import { deferred } from '../../lib/base/index.ts'
import { type ByteRange, headerOf, parseRepository, type ReadPriority } from '../../lib/core/index.ts'
import { hashPiece, type MetainfoRecord } from '../../lib/metainfo/index.ts'
import type { SwarmBlob } from './swarm-blob.ts'
import type { SwarmLab } from './swarm-lab.ts'

/**
 * An origin of the lab to which the blob comes piece by piece, as the test says, and whose records are known to agents only
 * from then on. It gives nothing over HTTP, and hears what agents want.
 */
export async function arrivingAt(lab: SwarmLab, blob: SwarmBlob) {
  const ref = { digest: blob.digest, repository: parseRepository('lab') }
  const records: MetainfoRecord[] = [{ kind: 'header', header: headerOf(blob.digest, blob.bytes.length) }]
  let news = deferred()
  lab.sources.failPieces('SOURCES_EXHAUSTED')
  lab.sources.answerMetainfo(function* () {
    for (let at = 0; ; ) {
      for (; at < records.length; at += 1) yield records[at] as MetainfoRecord
      yield news.promise
    }
  })
  const tell = (record: MetainfoRecord) => {
    records.push(record)
    news.resolve()
    news = deferred()
  }
  const heard: { readonly priority: ReadPriority; readonly ranges: readonly ByteRange[] }[] = []
  const origin = await lab.agent({ role: 'origin' })
  const partial = await origin.store.openPartial(blob.digest, blob.map)
  const seed = origin.engine.arriving(ref, partial, (ranges, priority) => heard.push({ ranges, priority }))
  await lab.clock.advance(50)
  return {
    ref,
    origin,
    heard,
    /** What is wanted at this priority now, as text. */
    wanted: (priority: ReadPriority) =>
      (heard.findLast((each) => each.priority === priority)?.ranges ?? [])
        .map(({ start, end }) => `${start}-${end}`)
        .join(' '),
    bring: async (...pieces: readonly number[]) => {
      for (const piece of pieces) {
        const { start, end } = blob.map.rangeOf(piece)
        const bytes = blob.bytes.subarray(start, end)
        const hash = hashPiece(bytes)
        await partial.write(piece, bytes, hash)
        tell({ kind: 'piece', index: piece, hash })
        seed.arrived(piece)
      }
    },
    /** The tracker says in the stream of records who brings the blob. */
    hint: () => {
      const self = lab.tracker.senders.find(({ peerId }) => peerId === origin.peerId)
      if (self === undefined) throw new Error('the origin has not announced itself')
      tell({ kind: 'hint', peers: [{ ...self, complete: false }] })
    },
    finish: async () => {
      await partial.complete()
      tell({ kind: 'verified' })
      seed.whole()
    },
  }
}
