import { appError } from '../../../lib/base/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import type { NamesConfig } from './config.ts'
import type { AskPort } from './prober.ts'

/** A cache answers as a registry, also when it wants to know who asks, and it knows the name by which clients call it. */
export function dataPort(http: HttpClient, { port, base = '' }: Pick<NamesConfig, 'port' | 'base'>): AskPort {
  return async (address, { signal }) => {
    const url = `http://${address}:${port}/v2/`
    const answer = await http.request({ method: 'GET', url, headers: { host: base }, signal })
    await answer.discard()
    if (answer.status !== 200 && answer.status !== 401)
      throw appError('PEER_REJECTED', { detail: { status: answer.status } })
  }
}
