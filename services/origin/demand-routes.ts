import { blobOf, demandSchema, originRoutes, parseBody } from '../../lib/api/index.ts'
import { type LookBudget, type RequestRate, type Route, readJson, sendEmpty } from '../../lib/http/index.ts'
import type { Ingest } from './bring/ingest-contract.ts'

/** Most bytes of a body: `MAX_DEMANDED` ranges. */
const MAX_BODY_BYTES = 64 * 1024

/** What each caller may send: an agent asks once for what its readers ask for in the same moment. */
export const DEMANDS_PER_SECOND = 100

export interface DemandRoutesComponents {
  readonly ingest: Ingest
  /** For blobs that are nowhere. */
  readonly looks: LookBudget
  /** How often each caller may ask. */
  readonly demands: RequestRate
}

/** By this nodes say what they want of a blob that this origin brings, over HTTP; it gives nothing itself. */
export function demandRoutes({ ingest, looks, demands }: DemandRoutesComponents): readonly Route[] {
  return [
    {
      ...{ methods: ['POST'], path: originRoutes.demand, right: 'announce', summary: 'what is wanted first of a blob' },
      async handle(exchange) {
        const { req, signal } = exchange
        const blob = blobOf(exchange)
        demands.count(req)
        const { ranges, priority } = parseBody(demandSchema, await readJson(exchange, MAX_BODY_BYTES))
        const wanted = ranges.map(([start, end]) => ({ start, end }))
        await looks.during(req, () => ingest.want(blob, wanted, { hop: false, priority, signal }))
        sendEmpty(exchange, 204)
      },
    },
  ]
}
