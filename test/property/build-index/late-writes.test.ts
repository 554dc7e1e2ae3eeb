import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type Backend, memoryBackend } from '../../../lib/backend/index.ts'
import type { JournalStorage } from '../../../lib/journal/index.ts'
import { backendStorage } from '../../../services/build-index/replication/backend-storage.ts'

const keys = ['a', 'b', 'c']

/** A backend whose writes arrive when the test lets them. */
function held(inner: Backend): { readonly backend: Backend; arrive(): Promise<void>; readonly waiting: number } {
  const waiting: (() => Promise<void>)[] = []
  const later =
    <Args extends readonly unknown[], Answer>(call: (...args: Args) => Promise<Answer>) =>
    (...args: Args) =>
      new Promise<Answer>((resolve, reject) => {
        waiting.push(() => call(...args).then(resolve, reject))
      })
  return {
    backend: { ...inner, write: later(inner.write.bind(inner)), delete: later(inner.delete.bind(inner)) },
    async arrive() {
      await waiting.shift()?.()
      await new Promise(setImmediate)
    },
    get waiting() {
      return waiting.length
    },
  }
}

/** A holder that never finds out that its lease is over. */
const holder = async (backend: Backend, generation: number): Promise<JournalStorage> => {
  const lease = { generation, isHeld: () => true, signal: new AbortController().signal }
  const storage = backendStorage({ backend, lease }, 'tasks/')
  await storage.start()
  return storage
}

const contentOf = async (storage: JournalStorage) => {
  const found = new Map<string, string>()
  for await (const { key, value } of storage.records()) found.set(key, Buffer.from(value).toString())
  return found
}

interface Step {
  readonly who: 'old' | 'new' | 'arrive'
  readonly key: string
  readonly value: number | undefined
}

const step = fc.record<Step>({
  who: fc.constantFrom('old', 'new', 'arrive'),
  key: fc.constantFrom(...keys),
  value: fc.option(fc.nat(5), { nil: undefined }),
})

const changeOf = ({ key, value }: Step) => [{ key, value: value === undefined ? undefined : Buffer.from(`${value}`) }]

async function scenario(first: readonly Step[], before: readonly Step[], after: readonly Step[]): Promise<void> {
  const inner = memoryBackend()
  const calm = await holder(inner, 1)
  for (const each of first) await calm.write(changeOf(each), { sync: true })
  const late = held(inner)
  const old = await holder(late.backend, 1)
  const known = contentOf(old)
  while (late.waiting > 0) await late.arrive()
  await known
  const unanswered: Promise<unknown>[] = []
  const oldWrites = (each: Step) => {
    unanswered.push(old.write(changeOf(each), { sync: true }).catch(() => undefined))
    return new Promise(setImmediate)
  }
  for (const each of before) await (each.who === 'arrive' ? late.arrive() : oldWrites(each))
  // Another process takes over. From here on nothing that the one before does may change what this one knows.
  const next = await holder(inner, 2)
  const model = await contentOf(next)
  for (const each of after) {
    if (each.who === 'arrive') await late.arrive()
    else if (each.who === 'old') await oldWrites(each)
    else {
      await next.write(changeOf(each), { sync: true })
      if (each.value === undefined) model.delete(each.key)
      else model.set(each.key, `${each.value}`)
    }
  }
  while (late.waiting > 0) await late.arrive()
  await Promise.all(unanswered)
  const end = await contentOf(await holder(inner, 3))
  for (const key of model.keys()) expect([key, end.get(key)]).toEqual([key, model.get(key)])
}

test('a write of a former holder changes nothing that a later one knows, however late it arrives', async () => {
  const steps = fc.array(step, { maxLength: 8 })
  await fc.assert(fc.asyncProperty(steps, steps, fc.array(step, { maxLength: 14 }), scenario), { numRuns: 500 })
})
