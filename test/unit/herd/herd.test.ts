import { describe, expect, test } from '@jest/globals'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { herdService, planHerd } from '../../../services/herd/index.ts'
import { fixedPorts } from '../../../services/herd/ports.ts'

describe('the documented ports of a herd', () => {
  test('are a hundred apart from one instance to the next', () => {
    const ports = fixedPorts()
    expect(ports.take(0, { http: 7602, ops: 7692 })).toEqual({ http: 7602, ops: 7692 })
    expect(ports.take(2, { http: 7602, ops: 7692 })).toEqual({ http: 7802, ops: 7892 })
  })

  test('says which instance finds no port, and what to do', () => {
    const ports = fixedPorts()
    expect(ports.take(5, { registry: 65_001 })).toEqual({ registry: 65_501 })
    expect(() => ports.take(6, { registry: 65_001 })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: 'instance 7 would need port 65601; start fewer instances or use --ports auto',
      }),
    )
  })
})

describe('a herd with a manager', () => {
  const size = { agents: 1, origins: 1, trackers: 1, managers: 1 }

  test('has all services but agents join it, by one token', () => {
    const joinToken = 'token-of-the-herd'
    const plan = planHerd({ ...size, joinToken }, fixedPorts(), 'data')
    const join = { url: 'http://127.0.0.1:59001', token: joinToken }
    for (const kind of ['tracker', 'origin', 'buildIndex', 'proxy'] as const) {
      for (const { id, config } of plan[kind]) expect(config['manager']).toEqual({ ...join, member: id })
    }
    expect(plan.agent[0]?.config['manager']).toBeUndefined()
    expect(plan.manager[0]?.config['clusters']).toEqual({ first: { name: 'herd', token: joinToken } })
  })

  test('without a token has nobody join', () => {
    const plan = planHerd(size, fixedPorts(), 'data')
    const configs = Object.values(plan).flatMap((all) => all.map(({ config }) => config))
    expect(configs.filter((config) => 'manager' in config)).toEqual([])
  })
})

describe('the keys that are set for a herd', () => {
  const plan = planHerd({ agents: 1, origins: 1, trackers: 1 }, fixedPorts(), 'data')
  const started = (override: string) =>
    herdService({ logger: silentLogger(), onPull: () => undefined }, { plan, overrides: [override] })

  test.each([
    ['agnet.limits.upload=20MB/s', 'did you mean "agent"?'],
    ['limits=1', 'it starts with one of'],
  ])('refuses a key of no service, and names the nearest one', async (override, hint) => {
    await expect(started(override)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(hint),
    })
  })
})
