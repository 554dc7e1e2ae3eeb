import { describe } from '@jest/globals'
import { testKinds } from '../../kit/kube-lab.ts'
import { kubeServer } from '../../kit/kube-server/kube-server.ts'
import { kubeContract } from './kube-contract.ts'

describe('the small API server', () => {
  kubeContract(async () => {
    const server = await kubeServer({ kinds: [{ ...testKinds.widgets, hasStatus: true }] })
    server.tokens.set('poor', 'nobody')
    server.allows = ({ user }) => user === 'admin'
    return {
      ...{ server: server.url, authority: undefined, admin: 'admin', nobody: 'poor', watchMs: 1_000, bookmarks: true },
      kill: () => server.kill(),
      start: () => server.start(),
      forget: async () => server.state.compact(),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    }
  })
})
