import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { type Clock, systemClock } from '../../../lib/base/index.ts'
import { listening } from '../listening.ts'
import { type Action, actions, type StoredRecord, VolcRefusal } from './actions.ts'
import { signatureFault } from './signature.ts'

export { type StoredRecord, VolcRefusal } from './actions.ts'

export const VOLC_KEY = { accessKeyId: 'AKLTpz', secretAccessKey: 'c2VjcmV0LW9mLXB6' }
export const REGION = 'cn-beijing'

export interface PrivateZoneServer extends AsyncDisposable {
  readonly url: string
  /** By the id of the record. */
  readonly records: Map<string, StoredRecord>
  /** The actions that came, in their order. */
  readonly asked: string[]
  /** Refuses the next requests with this. */
  refusal: VolcRefusal | undefined
  stop(): Promise<void>
}

/** The API of PrivateZone with one zone, as the notes of its providers describe it. */
export async function privateZoneServer(zid: number, clock: Clock = systemClock()): Promise<PrivateZoneServer> {
  const records = new Map<string, StoredRecord>()
  const asked: string[] = []
  const keys = new Map([[VOLC_KEY.accessKeyId, VOLC_KEY.secretAccessKey]])
  const world = { zid, records, count: 0 }

  const resultOf = async (req: IncomingMessage): Promise<unknown> => {
    const body = await buffer(req)
    const query = new URL(req.url ?? '', 'http://host').searchParams
    const name = query.get('Action') ?? ''
    asked.push(name)
    const fault = signatureFault(req, body, { region: REGION, keys, nowMs: clock.now() })
    if (fault !== undefined) throw new VolcRefusal(fault === 'InvalidBody' ? 400 : 401, fault)
    if (server.refusal !== undefined) throw server.refusal
    const action: Action | undefined = actions[`${req.method} ${name}`]
    if (action === undefined || query.get('Version') !== '2022-06-01')
      throw new VolcRefusal(404, 'InvalidActionOrVersion')
    const given: Readonly<Record<string, unknown>> =
      body.length > 0 ? (JSON.parse(body.toString()) as Record<string, unknown>) : Object.fromEntries(query)
    return action(given, world)
  }

  const serve = async (req: IncomingMessage, res: ServerResponse) => {
    const meta = { RequestId: `r${asked.length}`, Service: 'private_zone', Region: REGION }
    try {
      const result = await resultOf(req)
      answer(res, 200, { ResponseMetadata: meta, Result: result })
    } catch (err) {
      const { status, code } = err instanceof VolcRefusal ? err : new VolcRefusal(500, 'ErrInternalServer')
      answer(res, status, {
        ResponseMetadata: { ...meta, Error: { Code: code, CodeN: 1, Message: `refused: ${code}` } },
      })
    }
  }

  const http = createServer((req, res) => {
    serve(req, res).catch(() => res.destroy())
  })
  const { url, kill } = await listening(http)
  const server: PrivateZoneServer = {
    ...{ url, records, asked, refusal: undefined, stop: kill },
    [Symbol.asyncDispose]: kill,
  }
  return server
}

function answer(res: ServerResponse, status: number, value: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
