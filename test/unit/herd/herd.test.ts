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
