import { adminRoute, originAdmin } from '../../../lib/api/index.ts'
import type { Clock } from '../../../lib/base/index.ts'
import { parseDigest } from '../../../lib/core/index.ts'
import { type Exchange, inTouch, pageRequest, type Route, sendEmpty, sendJson } from '../../../lib/http/index.ts'
import type { BlobInspection, Retention, Scrub, ScrubRounds, StoreHealth } from '../../../lib/store/index.ts'
import type { BlobKeeper } from './blob-keeper.ts'
import type { HandOver } from './hand-over.ts'
import type { HandOverRounds } from './hand-over-rounds.ts'

interface ListedBlobs extends Pick<BlobInspection, 'inspect'>, Pick<Retention, 'pin'>, Pick<StoreHealth, 'usedBytes'> {}

export interface UpkeepRoutesComponents {
  readonly store: ListedBlobs
  readonly keeper: BlobKeeper
  readonly scrub: Scrub
  readonly scrubRounds: Pick<ScrubRounds, 'ask'>
  readonly handOver: HandOver
  readonly handOverRounds: HandOverRounds
  readonly clock: Pick<Clock, 'setTimer'>
}

/** Blobs on one page of the list. */
const PAGE = 1000

const digestOf = (exchange: Exchange) => parseDigest(exchange.params['digest'] ?? '')

/** A whole blob is read at the pace of the scrub, and others are asked, so callers hear that the work goes on. */
function blobRoutes({ store, keeper, scrub, clock }: UpkeepRoutesComponents): readonly Route[] {
  const list = (exchange: Exchange) => {
    const { count, last = '' } = pageRequest(exchange.query, { max: PAGE, least: 1 })
    const rest = store.inspect().filter(({ digest }) => digest > last)
    const blobs = rest.slice(0, count)
    const next = blobs.length < rest.length ? { next: blobs.at(-1)?.digest } : {}
    sendJson(exchange, 200, { usedBytes: store.usedBytes, blobs, ...next })
  }
  const look = async (exchange: Exchange) => {
    const report = keeper.report(digestOf(exchange), { signal: exchange.signal })
    sendJson(exchange, 200, await inTouch(clock, exchange, report))
  }
  const evict = async (exchange: Exchange) => {
    const force = exchange.query.get('force') === 'true'
    await inTouch(clock, exchange, keeper.evict(digestOf(exchange), { force, signal: exchange.signal }))
    sendEmpty(exchange, 204)
  }
  const repair = async (exchange: Exchange) => {
    const verified = scrub.verify(digestOf(exchange), { signal: exchange.signal })
    sendJson(exchange, 200, { verdict: await inTouch(clock, exchange, verified) })
  }
  const pin = (pinned: boolean) => async (exchange: Exchange) => {
    await store.pin(digestOf(exchange), pinned)
    sendEmpty(exchange, 204)
  }
  return [
    adminRoute(originAdmin.blobs, list),
    adminRoute(originAdmin.blob, look),
    adminRoute(originAdmin.evict, evict),
    adminRoute(originAdmin.repair, repair),
    adminRoute(originAdmin.pin, pin(true)),
    adminRoute(originAdmin.unpin, pin(false)),
  ]
}

function scrubRoutes({ scrub, scrubRounds }: UpkeepRoutesComponents): readonly Route[] {
  const status = (exchange: Exchange) => sendJson(exchange, 200, scrub.status)
  const now = (exchange: Exchange) => {
    scrub.hurry()
    scrubRounds.ask()
    sendJson(exchange, 202, scrub.status)
  }
  return [adminRoute(originAdmin.scrub, status), adminRoute(originAdmin.scrubNow, now)]
}

function handOverRoutes({ handOver, handOverRounds }: UpkeepRoutesComponents): readonly Route[] {
  const walk = (exchange: Exchange, status: number) => sendJson(exchange, status, { walk: handOver.latest })
  const drain = (exchange: Exchange, status: number) =>
    sendJson(exchange, status, { state: handOverRounds.state, walk: handOver.latest })
  const again = (exchange: Exchange) => {
    handOverRounds.ask()
    walk(exchange, 202)
  }
  const leave = (exchange: Exchange) => {
    handOverRounds.leave()
    drain(exchange, 202)
  }
  const stay = (exchange: Exchange) => {
    handOverRounds.stay()
    drain(exchange, 200)
  }
  return [
    adminRoute(originAdmin.handOver, (exchange) => walk(exchange, 200)),
    adminRoute(originAdmin.handOverNow, again),
    adminRoute(originAdmin.drain, (exchange) => drain(exchange, 200)),
    adminRoute(originAdmin.leave, leave),
    adminRoute(originAdmin.stay, stay),
  ]
}

/** Admin routes for stored blobs, scrub and leaving. */
export function upkeepRoutes(components: UpkeepRoutesComponents): readonly Route[] {
  return [...blobRoutes(components), ...scrubRoutes(components), ...handOverRoutes(components)]
}
