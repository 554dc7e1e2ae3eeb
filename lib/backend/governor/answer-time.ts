import {
  type AbortOptions,
  abortable,
  appError,
  type Clock,
  type Deadline,
  deadline,
  throwIfAborted,
} from '../../base/index.ts'

/** Limits the time of one request: the limit runs until the answer begins and restarts whenever bytes are sent. */
export interface AnswerTime {
  /** @throws what `work` threw, BACKEND_UNAVAILABLE when no answer came in time, ABORTED */
  limit<T>(work: (signal: AbortSignal) => Promise<T>, options: AbortOptions): Promise<T>
  /**
   * Runs `wait` without counting its time; afterwards the whole time is available again. `signal` is that of the
   * request.
   */
  excluding<T>(signal: AbortSignal | undefined, wait: () => Promise<T>): Promise<T>
}

export function answerTime(clock: Clock, answerMs: number): AnswerTime {
  const running = new WeakMap<AbortSignal, Deadline>()
  return {
    async limit(work, { signal }) {
      const time = deadline(clock, answerMs, signal)
      running.set(time.signal, time)
      const answer = work(time.signal)
      try {
        return await abortable(answer, time.signal)
      } catch (err) {
        answer.then(discard, () => undefined)
        if (!time.expired) {
          throwIfAborted(signal)
          throw err
        }
        throw appError('BACKEND_UNAVAILABLE', {
          message: 'the backend did not answer in time',
          detail: { answerMs },
          cause: err,
        })
      } finally {
        time.release()
      }
    },
    async excluding(signal, wait) {
      const time = signal === undefined ? undefined : running.get(signal)
      time?.hold()
      try {
        return await wait()
      } finally {
        time?.touch()
      }
    },
  }
}

/** Nobody reads the body of a late answer. */
function discard(answer: unknown): void {
  if (typeof answer !== 'object' || answer === null || !('body' in answer)) return
  const { body } = answer
  if (typeof body !== 'object' || body === null || !('destroy' in body)) return
  if (typeof body.destroy === 'function') (body.destroy as () => void).call(body)
}
