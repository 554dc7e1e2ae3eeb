import type { Readable } from 'node:stream'
import type { z } from 'zod'
import { appError, parseJson } from '../base/index.ts'
import type { HttpResponse } from '../http/index.ts'
import { parseAnswer } from './schemas.ts'

/** One server-sent event. */
export interface ReceivedEvent<T> {
  readonly id: string | undefined
  readonly kind: string
  readonly data: T
}

/** Longest event that is read, in characters. */
const MAX_EVENT = 1024 * 1024

const fieldsOf = (block: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    block.split('\n').flatMap((line) => {
      const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? []
      return name === undefined ? [] : [[name, value ?? '']]
    }),
  )

/**
 * The events of an answer, until it ends. Blocks without an event are signs of life.
 * @throws UNKNOWN for a malformed event, STALLED and PEER_CLOSED as every answer
 */
export async function* receivedEvents<T>(
  response: Pick<HttpResponse, 'body'>,
  schema: z.ZodType<T>,
): AsyncGenerator<ReceivedEvent<T>> {
  const body: Readable = response.body.setEncoding('utf8')
  let rest = ''
  for await (const chunk of body) {
    rest += String(chunk)
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const { event, data, id } = fieldsOf(rest.slice(0, end))
      rest = rest.slice(end + 2)
      if (event === undefined || data === undefined) continue
      yield { id, kind: event, data: parseAnswer(schema, parseJson(data)) }
    }
    if (rest.length > MAX_EVENT) throw appError('UNKNOWN', { message: 'an event of the service is too long' })
  }
}
