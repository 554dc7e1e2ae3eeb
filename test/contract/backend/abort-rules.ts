import { Readable } from 'node:stream'
import { expect, test } from '@jest/globals'
import { codeOf, deferred } from '../../../lib/base/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { eventually } from '../../kit/eventually.ts'
import { type Fault, hold, holdAnswer } from '../../kit/http-faults.ts'
import type { World } from './backend-world.ts'

/** The request during which a write is aborted. */
interface Moment {
  readonly fault: Fault
  readonly signal: AbortSignal
}

const moments: Readonly<Record<string, () => Moment>> = {
  'before the backend sees the request': () => {
    const controller = new AbortController()
    const goOn = hold(Promise.resolve())
    const fault: Fault = {
      name: 'abort before',
      apply(exchange) {
        controller.abort()
        goOn.apply(exchange)
      },
    }
    return { fault, signal: controller.signal }
  },
  'when the backend has done what was asked, and its answer is on its way': () => {
    const controller = new AbortController()
    const until = deferred()
    const done = () => {
      controller.abort()
      setImmediate(() => until.resolve())
    }
    return { fault: holdAnswer({ done, until: until.promise }), signal: controller.signal }
  },
}

/** An aborted write leaves nothing open at the backend, whichever of its requests the abort meets. */
export function abortRules(world: World): void {
  test.each(Object.keys(moments))(
    'a write that is aborted at any of its requests, %s, leaves nothing open',
    async (name) => {
      const { requests } = world.subject
      const size = requests?.manyRequestBytes
      if (requests === undefined || size === undefined) return
      let step = 0
      for (let met = 1; met > 0; step += 1) {
        const { fault, signal } = (moments[name] as () => Moment)()
        let sent = 0
        const order = requests.faults.next({ where: () => sent++ === step }, fault)
        const bytes = cipherBytes(`${name} ${step}`, size)
        const written = world.backend.write(world.keyOf(`k${step}`, bytes), Readable.from([bytes]), { size, signal })
        const outcome = await written.then(() => 'written', codeOf)
        order.cancel()
        met = order.met
        // The last request may have finished before the abort.
        expect(['ABORTED', 'written']).toContain(outcome)
        await eventually(
          async () => expect({ step, left: await world.subject.leftovers() }).toEqual({ step, left: [] }),
          { timeoutMs: 3_000 },
        )
      }
      expect(step).toBeGreaterThan(2)
    },
  )
}
