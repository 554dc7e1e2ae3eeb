import { expect, test } from '@jest/globals'
import { adminClient, controlClient, trackerAdmin } from '../../../lib/api/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { everySecret } from '../../kit/secrets.ts'
import { startTopology } from '../../kit/topology.ts'

const [first, second] = ['10.0.0.7', '10.0.0.8']
const { node, service, admin } = everySecret

test('what an admin says to one tracker holds at all of them, also at one that was killed meanwhile, and at one that joins later', async () => {
  const others = ['agent-1', 'origin-1', 'build-index-1', 'build-index-2', 'proxy-1']
  await using shoal = await startTopology({
    ...{ agents: 1, origins: 1, trackers: 4, later: [...others, 'tracker-4'] },
    env: { SHOAL__secrets: JSON.stringify({ node, service, admin }) },
  })
  await using http = disposableHttp({ token: admin })
  const at = (number: number) => adminClient(http, shoal.url(`tracker-${number}`, 'admin'), trackerAdmin)
  const bansAt = async (number: number) => (await at(number).bans({})).marks.map(({ target }) => target)

  const ban = await at(1).ban({ target: first, body: { reason: 'sends wrong bytes' } })
  expect(ban).toMatchObject({ target: first, holds: { at: 3, of: 4, missing: ['tracker-4'] } })
  expect([await bansAt(2), await bansAt(3)]).toEqual([[first], [first]])

  await shoal.kill('tracker-3')
  expect((await at(2).unban({ target: first })).holds).toEqual({ at: 2, of: 4, missing: ['tracker-3', 'tracker-4'] })
  await at(2).ban({ target: second, body: { reason: 'is gone' } })
  await at(1).set({ body: { perSecond: 7 } })
  await Promise.all([shoal.start('tracker-3'), shoal.start('tracker-4')])
  await eventually(async () => {
    for (const number of [1, 2, 3, 4]) {
      expect(await bansAt(number)).toEqual([second])
      expect(await at(number).settings({})).toMatchObject({ set: { perSecond: 7 } })
    }
  })
  expect((await at(4).drain({ target: first, body: { reason: 'is replaced' } })).holds).toEqual({
    ...{ at: 4, of: 4, missing: [] },
  })

  for (const token of [node, undefined]) {
    await using stranger = disposableHttp(token === undefined ? {} : { token })
    const asked = controlClient(stranger, shoal.url('tracker-1')).page({ hash: '' })
    await expect(asked).rejects.toMatchObject({ code: token === undefined ? 'UNAUTHORIZED' : 'DENIED' })
  }
})
