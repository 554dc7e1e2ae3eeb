import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { type Backend, rehearseConditions } from '../../../lib/backend/index.ts'
import { codeOf, hasCode, systemClock, systemRandom } from '../../../lib/base/index.ts'
import { type World, write } from './backend-world.ts'

const refused = { code: 'BACKEND_PRECONDITION_FAILED' }
const text = (value: string) => Buffer.from(value)

/** Conditional writes where keys are free: the means by which several writers coordinate. */
export function conditionRules(world: World): void {
  describe('conditions', () => {
    test('ifAbsent writes once', async () => {
      await world.backend.write('k', text('one'), { size: 3, ifAbsent: true })
      const late = Readable.from([text('two')])
      await expect(world.backend.write('k', late, { size: 3, ifAbsent: true })).rejects.toMatchObject(refused)
      expect(late.destroyed).toBe(true)
      expect(await world.get('k')).toBe('one')
    })

    test('ifMatch writes over the object that was read, and over no other', async () => {
      const { backend } = world
      const first = await write(backend, 'k', 'one')
      const second = await backend.write('k', text('two'), { size: 3, ifMatch: first.etag })
      await expect(backend.write('k', text('bad'), { size: 3, ifMatch: first.etag })).rejects.toMatchObject(refused)
      await expect(backend.write('x', text('bad'), { size: 3, ifMatch: first.etag })).rejects.toMatchObject(refused)
      expect(await backend.stat('k')).toEqual(second)
      expect(await backend.stat('x')).toBeUndefined()
    })

    test('a delete with another etag is refused, with the right one it removes', async () => {
      const first = await write(world.backend, 'k', 'one')
      const second = await write(world.backend, 'k', 'two')
      await expect(world.backend.delete('k', { ifMatch: first.etag })).rejects.toMatchObject(refused)
      expect(await world.get('k')).toBe('two')
      await world.backend.delete('k', { ifMatch: second.etag })
      expect(await world.backend.stat('k')).toBeUndefined()
    })

    test('a rehearsal finds them kept, and leaves nothing', async () => {
      await rehearseConditions(world.backend, { folder: 'a/', clock: systemClock(), random: systemRandom() })
      expect((await world.backend.list('')).keys).toEqual([])
    })
  })
}

/** Conditions when several writers come at the same moment. */
export function concurrentConditionRules(world: World): void {
  describe('conditions of concurrent writers', () => {
    test('of many concurrent ifAbsent writes, by several clients, exactly one wins', async () => {
      const clients = [world.backend, await world.subject.open(), await world.subject.open()]
      const attempt = async (writer: number): Promise<string> => {
        const client = clients[writer % 3] ?? world.backend
        const name = `writer-${writer}`.padEnd(9)
        try {
          await client.write('deep/er/k', text(name), { size: 9, ifAbsent: true })
          return name
        } catch (err) {
          return String(codeOf(err))
        }
      }
      const results = await Promise.all(Array.from({ length: 24 }, (_, writer) => attempt(writer)))
      const winners = results.filter((result) => result !== refused.code)
      expect(winners).toHaveLength(1)
      expect(await world.get('deep/er/k')).toBe(winners[0])
    })

    test('concurrent read-modify-writes by several clients lose no update', async () => {
      const clients = [world.backend, await world.subject.open(), await world.subject.open()]
      await world.put('counter', '0')
      await Promise.all(clients.flatMap((client) => [increment(client, 5), increment(client, 5)]))
      expect(await world.get('counter')).toBe('30')
    })
  })
}

async function increment(backend: Backend, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const found = await backend.read('counter')
    if (found === undefined) throw new Error('the counter is gone')
    const next = String(Number((await buffer(found.body)).toString()) + 1)
    try {
      await backend.write('counter', text(next), { size: next.length, ifMatch: found.etag })
      done += 1
    } catch (err) {
      if (!hasCode(err, 'BACKEND_PRECONDITION_FAILED')) throw err
    }
  }
}
