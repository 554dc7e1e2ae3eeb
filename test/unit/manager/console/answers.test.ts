import { describe, expect, test } from '@jest/globals'
import { type AdminCall, managerApi } from '../../../../lib/api/index.ts'
import { everyAct } from '../../../kit/console/console-stage.ts'

const calls: readonly AdminCall[] = Object.values(managerApi)

/** The call of the API that a recorded answer is of; undefined for one that this API does not have. */
function callOf(key: string): AdminCall | undefined {
  const [method, path = ''] = key.split(' ')
  const fits = ({ path: pattern }: AdminCall) => new RegExp(`^${pattern.replace(/:\w+/g, '[^/]+')}$`).test(path)
  const found = calls.filter((call) => call.method === method && fits(call))
  return found.toSorted((a, b) => a.path.split(':').length - b.path.split(':').length)[0]
}

/** Of wings that are not there yet. */
const others = /\/(me|sign-in|links|users|roles|invites|tokens)\b/

describe('recorded answers', () => {
  test('are such as the manager gives', async () => {
    const faults: string[] = []
    for (const { name, answers } of await everyAct())
      for (const [key, { status = 200, body, never = false, events }] of Object.entries(answers)) {
        const call = callOf(key)
        if (call === undefined && !others.test(key)) faults.push(`${name}: nobody answers ${key}`)
        if (call === undefined || status >= 400 || never || events !== undefined) continue
        const { error, success } = call.answer?.safeParse(body) ?? { success: true }
        if (!success) faults.push(`${name}: ${key}: ${error?.message ?? ''}`)
      }
    expect(faults).toEqual([])
  })
})
