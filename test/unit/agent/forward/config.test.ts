import { expect, test } from '@jest/globals'
import { loadConfig } from '../../../../lib/config/index.ts'
import { agentSchema } from '../../../../services/agent/config.ts'
import { reachOfProxy } from '../../../../services/agent/forward/forward.ts'

const load = (forward: object, host = '127.0.0.1') =>
  loadConfig(agentSchema, {
    overrides: [`registry.listener.bind=${host}:65001`, `registry.forward=${JSON.stringify(forward)}`],
  })

test.each([
  [{}, '127.0.0.1', 'any'],
  [{}, '0.0.0.0', undefined],
  [{}, '10.0.0.5', undefined],
  [{ hosts: ['a.example'] }, '127.0.0.1', 'any'],
  [{ hosts: ['a.example'] }, '0.0.0.0', 'named'],
  [{ to: 'named' }, '127.0.0.1', undefined],
  [{ to: 'named', hosts: ['a.example'] }, '127.0.0.1', 'named'],
  [{ to: 'none', hosts: ['a.example'] }, '127.0.0.1', undefined],
])('an agent with %j at %s is a proxy to hosts: %s', async (forward, host, expected) => {
  const { registry } = await load(forward, host)
  expect(reachOfProxy(registry)).toBe(expected)
})

test.each([
  { hosts: ['a.example:80'] },
  { hosts: ['A.example'] },
  { hosts: ['http://a.example'] },
  { ports: [0] },
  { ports: [] },
  { rules: [{ path: '(a', as: 'mirror' }] },
  { rules: [{ path: '(?=a)', as: 'mirror' }] },
  { rules: [{ path: 'a', as: 'blobs' }] },
  { idle: '0s' },
  { connections: 0 },
])('%j is refused', async (forward) => {
  await expect(load(forward)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})
