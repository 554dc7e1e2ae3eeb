import type { LookupFunction } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { rememberedLookup } from '../../../lib/http/remembered-lookup.ts'

/** A name server whose answers the test says: the addresses of every name, or the code of an error. */
function lookedUp() {
  const clock = fakeClock()
  let answer: readonly string[] | string = []
  const lookup = rememberedLookup(clock, (_host, _options, done) => {
    if (typeof answer === 'string') done(Object.assign(new Error(answer), { code: answer }), '')
    else
      done(
        null,
        answer.map((address) => ({ address, family: 4 })),
      )
  })
  const find = (host: string, options: Parameters<LookupFunction>[1] = { all: true }) =>
    new Promise((resolve) => {
      lookup(host, options, (err, found) => resolve(err === null ? found : err.code))
    })
  const says = (to: typeof answer) => {
    answer = to
  }
  return { clock, find, says }
}

const at = (address: string) => [{ address, family: 4 }]

describe('the addresses of a name', () => {
  test('are those of before while no name server answers, and the new ones as soon as one does', async () => {
    const { find, says } = lookedUp()
    says(['10.0.0.1'])
    expect(await find('origin-0.test')).toEqual(at('10.0.0.1'))
    says('EAI_AGAIN')
    expect(await find('origin-0.test')).toEqual(at('10.0.0.1'))
    says(['10.0.0.2'])
    expect(await find('origin-0.test')).toEqual(at('10.0.0.2'))
    says('EAI_AGAIN')
    expect(await find('origin-0.test')).toEqual(at('10.0.0.2'))
  })

  test('are not those of another name, or of another question', async () => {
    const { find, says } = lookedUp()
    says(['10.0.0.1'])
    await find('origin-0.test')
    says('EAI_AGAIN')
    expect(await find('origin-1.test')).toBe('EAI_AGAIN')
    expect(await find('origin-0.test', { all: true, family: 6 })).toBe('EAI_AGAIN')
    expect(await find('origin-0.test', {})).toBe('EAI_AGAIN')
  })

  test('are forgotten once a name server says that there is no such name', async () => {
    const { find, says } = lookedUp()
    says(['10.0.0.1'])
    await find('origin-0.test')
    says('ENOTFOUND')
    expect(await find('origin-0.test')).toBe('ENOTFOUND')
    says('EAI_AGAIN')
    expect(await find('origin-0.test')).toBe('EAI_AGAIN')
  })

  test('are forgotten after a while, since others may have them then', async () => {
    const { clock, find, says } = lookedUp()
    says(['10.0.0.1'])
    await find('origin-0.test')
    says('EAI_AGAIN')
    await clock.advance(10 * 60_000 - 1)
    expect(await find('origin-0.test')).toEqual(at('10.0.0.1'))
    await clock.advance(1)
    expect(await find('origin-0.test')).toBe('EAI_AGAIN')
  })
})
