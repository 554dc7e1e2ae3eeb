import { expect, test } from '@jest/globals'
import { fakeClock } from '../../../../lib/base/index.ts'
import { pullClasses } from '../../../../lib/core/index.ts'
import { swarmLimits } from '../../../../lib/swarm/index.ts'
import { encodeClass, readClass } from '../../../../lib/swarm/wire/class-message.ts'
import { classGate } from '../../../../lib/swarm/wire/message-gate.ts'

test.each(pullClasses)('the class %s comes as it was sent', (pullClass) => {
  expect(readClass(encodeClass(pullClass).subarray(6))).toBe(pullClass)
})

test('a class that only a later version knows counts as the usual one', () => {
  expect(readClass(Uint8Array.of(200))).toBe('normal')
})

test.each([[[]], [[0, 0]]])('a message of the bytes %j is wrong', (bytes) => {
  expect(() => readClass(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code: 'WIRE_FRAME_INVALID' }))
})

test('a peer may not change its class more often than any node does', async () => {
  const clock = fakeClock()
  const gate = classGate(clock)
  const most = (4 * 60_000) / swarmLimits.classSinkMs
  for (let at = 0; at < most; at += 1) gate.pass()
  expect(() => gate.pass()).toThrow(expect.objectContaining({ code: 'WIRE_FRAME_INVALID' }))
  await clock.advance(60_000)
  expect(() => gate.pass()).not.toThrow()
})
