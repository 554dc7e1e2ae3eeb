import { expect, test } from '@jest/globals'
import { appError, type ProcessHost } from '../../../lib/base/index.ts'
import { runUntilTold } from '../../../lib/service/index.ts'
import { recordingLogger, recordingMetrics } from '../../../lib/telemetry/index.ts'

/** A process to which a test sends signals. */
function fakeHost() {
  const lines: string[] = []
  const terminate = new Set<(signal: string) => void>()
  const reject = new Set<(reason: unknown) => void>()
  const listen =
    <T>(listeners: Set<T>) =>
    (fn: T) => {
      listeners.add(fn)
      return () => void listeners.delete(fn)
    }
  const host: ProcessHost = {
    env: {},
    complain: (line) => void lines.push(line),
    say: () => undefined,
    output: process.stdout,
    show: undefined,
    onTerminate: listen(terminate),
    onRejection: listen(reject),
  }
  return {
    host,
    lines,
    signal: () => {
      for (const fn of terminate) fn('SIGTERM')
    },
    reject: (reason: unknown) => {
      for (const fn of reject) fn(reason)
    },
    get listening() {
      return terminate.size + reject.size
    },
  }
}

/** A service that records its starts and stops. */
function noted() {
  const life: string[] = []
  const note = (what: string) => async () => void life.push(what)
  return { life, service: { start: note('start'), stop: note('stop') } }
}

test('a signal stops the service and gives 0', async () => {
  const { host, signal, ...rest } = fakeHost()
  const { life, service } = noted()
  const exit = runUntilTold('agent', host, async () => ({ service, runtimes: [], onStarted: signal }))
  expect(await exit).toBe(0)
  expect(life).toEqual(['start', 'stop'])
  expect(rest.listening).toBe(0)
})

test('an unhandled rejection is logged, counted, and ends the program after it has drained', async () => {
  const { host, reject, lines } = fakeHost()
  const { life, service } = noted()
  const logger = recordingLogger()
  const metrics = recordingMetrics()
  const exit = runUntilTold('agent', host, async () => ({
    service,
    runtimes: [{ logger, metrics }],
    onStarted: () => reject(appError('STORE_FULL')),
  }))
  expect(await exit).toBe(1)
  expect(life).toEqual(['start', 'stop'])
  expect(metrics.value('shoal_unhandled_rejections_total')).toBe(1)
  expect(logger.lines).toMatchObject([{ level: 'error', fields: { code: 'STORE_FULL' } }])
  expect(lines).toEqual([])
})

test('a rejection before there is a log is told at the terminal', async () => {
  const { host, reject, lines } = fakeHost()
  const { life, service } = noted()
  const exit = runUntilTold('agent', host, async () => {
    reject(new Error('nobody waits'))
    return { service, runtimes: [] }
  })
  expect(await exit).toBe(1)
  expect(life).toEqual(['start', 'stop'])
  expect(lines).toEqual(['shoal agent: UNKNOWN: nobody waits'])
})

test('a start that fails is told with its code', async () => {
  const { host, lines, ...rest } = fakeHost()
  const start = async () => {
    throw appError('PORT_IN_USE')
  }
  const { service } = noted()
  expect(await runUntilTold('agent', host, async () => ({ service: { ...service, start }, runtimes: [] }))).toBe(1)
  expect(lines).toEqual([expect.stringMatching(/^shoal agent: PORT_IN_USE: /)])
  expect(rest.listening).toBe(0)
})
