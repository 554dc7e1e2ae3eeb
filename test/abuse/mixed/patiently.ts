import { type AbortOptions, type Clock, codeOf } from '../../../lib/base/index.ts'
import type { RegistryAnswer } from '../../kit/registry-client.ts'

/** Tries of one operation in all, as docker has for a layer. */
const TRIES = 5
const PAUSE_MS = 1000
/** Statuses after which real clients try again. */
const BUSY = [429, 502, 503, 504]

/** An answer that an honest client did not hope for. */
class Refusal extends Error {
  readonly outcome: string
  readonly status: number
  readonly retryMs: number | undefined

  constructor(what: string, answer: RegistryAnswer) {
    const { status, headers } = answer
    super(`${what} was answered with ${status}`)
    this.outcome = `${what}: ${status} ${codeIn(answer)}`
    this.status = status
    this.retryMs = headers['retry-after'] === undefined ? undefined : Number(headers['retry-after']) * 1000
  }
}

function codeIn(answer: RegistryAnswer): string {
  try {
    return answer.errorCode() ?? ''
  } catch {
    return 'no JSON'
  }
}

/** The answer, when it has the status. @throws what `patiently` understands */
export function expectStatus(what: string, answer: RegistryAnswer, status: number): RegistryAnswer {
  if (answer.status !== status) throw new Refusal(what, answer)
  return answer
}

/** How an operation ended: `ok`, or what went wrong; and what had to be tried again before. */
export interface Outcome {
  readonly outcome: string
  readonly repeated: readonly string[]
}

const outcomeOf = (err: unknown): string =>
  err instanceof Refusal
    ? err.outcome
    : (codeOf(err) ?? (err instanceof Object && 'name' in err ? String(err.name) : '?'))

/**
 * Tries as a real client does: again after an answer that says so or a connection that broke, with the wait that the
 * answer asks for.
 */
export async function patiently(
  attempt: () => Promise<unknown>,
  { clock, signal }: AbortOptions & { readonly clock: Clock },
): Promise<Outcome> {
  const repeated: string[] = []
  for (;;) {
    try {
      await attempt()
      return { outcome: 'ok', repeated }
    } catch (err) {
      signal?.throwIfAborted()
      const outcome = outcomeOf(err)
      const isFinal = err instanceof Refusal && !BUSY.includes(err.status)
      if (isFinal || repeated.length === TRIES - 1) return { outcome, repeated }
      repeated.push(outcome)
      const pauseMs = (err instanceof Refusal ? err.retryMs : undefined) ?? PAUSE_MS * repeated.length
      await clock.sleep(pauseMs, { signal })
    }
  }
}
