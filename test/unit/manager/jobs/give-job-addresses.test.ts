import { expect, test } from '@jest/globals'
import { appError, fakeClock } from '../../../../lib/base/index.ts'
import { type GiveJobComponents, giveJob } from '../../../../services/manager/jobs/give-job.ts'

test('where an image was said to be is checked when the manager is to ask there, and else not', async () => {
  const components = {
    talk: { clusters: () => [{ id: 'near', name: 'near' }] },
    store: { add: async () => ({ id: 'j', untilMs: 1 }) },
    resolver: { take: () => undefined },
    registries: {
      check: () => {
        throw appError('ADDRESS_REFUSED')
      },
    },
    ...{ clock: fakeClock(), meters: { given: () => undefined }, onGiven: () => undefined },
  } as unknown as GiveJobComponents
  const give = giveJob(components, { ownNames: [] })
  const given = {
    spec: { kind: 'preheat', targets: ['http://10.0.0.1/v2/p/r/manifests/1'] },
    actor: 'user:ada',
  } as const
  await expect(give(given)).resolves.toMatchObject({ id: 'j' })
  await expect(give({ ...given, credentials: { password: 'p' } })).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' })
})
