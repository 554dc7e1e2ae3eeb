import { describe, expect, test } from '@jest/globals'
import { type AdminCall, managerApi } from '../../../../lib/api/index.ts'
import { everyAct, type Recorded } from '../../../kit/console/console-stage.ts'

const calls: readonly AdminCall[] = Object.values(managerApi)

/** The call of the API that a recorded answer is of; undefined for one that this API does not have. */
function callOf(key: string): AdminCall | undefined {
  const [method, path = ''] = key.split(' ')
  const fits = ({ path: pattern }: AdminCall) => new RegExp(`^${pattern.replace(/:\w+/g, '[^/]+')}$`).test(path)
  const found = calls.filter((call) => call.method === method && fits(call))
  return found.toSorted((a, b) => a.path.split(':').length - b.path.split(':').length)[0]
}

/** What is wrong with a recorded answer; undefined when it is such as the manager gives. */
function faultOf(key: string, { status = 200, body, never = false, events }: Recorded): string | undefined {
  const call = callOf(key)
  if (call === undefined) return 'nobody answers this'
  if (status >= 400 || never || events !== undefined || call.answer === undefined) return undefined
  return call.answer.safeParse(body).error?.message
}

describe('recorded answers', () => {
  test('are such as the manager gives', async () => {
    const all = (await everyAct()).flatMap(({ name, answers }) =>
      Object.entries(answers).map(([key, recorded]) => [`${name}: ${key}`, faultOf(key, recorded)] as const),
    )
    expect(all.length).toBeGreaterThan(100)
    expect(all.filter(([, fault]) => fault !== undefined)).toEqual([])
  })
})
