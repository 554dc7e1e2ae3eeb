import { afterAll, describe, expect, test } from '@jest/globals'
import { planeKind } from '../../kit/accounts/accounts-lab.ts'
import { documentedRights } from '../../kit/accounts/rights.ts'
import { type Asked, kubeServer } from '../../kit/kube-server/kube-server.ts'
import { accountsContract } from './accounts-contract.ts'

const asked: Asked[] = []

describe('the role accounts with the small API server', () => {
  accountsContract(async () => {
    const server = await kubeServer({ kinds: [planeKind] })
    server.tokens.set('controller', 'controller')
    return {
      ...{ server: server.url, authority: undefined, admin: 'admin', controller: 'controller' },
      async [Symbol.asyncDispose]() {
        asked.push(...server.asked)
        await server[Symbol.asyncDispose]()
      },
    }
  })

  afterAll(async () => {
    const rights = await documentedRights()
    const allowed = rights.flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
    )
    const used = asked
      .filter(({ user }) => user === 'controller')
      // An apply that makes an object needs the right to create it as well.
      .flatMap(({ verb, resource }) =>
        (verb === 'patch' && !/controlplanes|namespaces/.test(resource) ? ['patch', 'create'] : [verb]).map(
          (each) => `${each} ${resource}`,
        ),
      )
    // The rollout of pods has a test of its own.
    const rollout = ['delete pods']
    expect([...new Set([...used, ...rollout])].toSorted()).toEqual([...new Set(allowed)].toSorted())
  })

  test('uses exactly the rights of the documentation', () => {
    // Compared when all that the role does here has been done.
    expect(asked).toEqual([])
  })
})
