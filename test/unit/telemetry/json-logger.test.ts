import { PassThrough } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { appError } from '../../../lib/base/index.ts'
import { jsonLogger, type LogLevel, recordingLogger, silentLogger } from '../../../lib/telemetry/index.ts'

interface Line {
  readonly level: string
  readonly err?: unknown
}

const capture = (level: LogLevel) => {
  const lines: string[] = []
  const logger = jsonLogger({ level, service: 'agent', write: (line) => lines.push(line) })
  return { logger, lines, parsed: () => lines.map((line) => JSON.parse(line) as Line) }
}

describe('jsonLogger', () => {
  test('writes one JSON line for each event, with the facts behind the sentence', () => {
    const { logger, lines, parsed } = capture('info')
    logger.info('blob stored', { size: 5 })
    logger.warn('disk almost full')
    expect(lines.every((line) => line.endsWith('}\n') && line.indexOf('\n') === line.length - 1)).toBe(true)
    expect(parsed()).toEqual([
      { time: expect.stringMatching(/^\d{4}-.*Z$/), level: 'info', service: 'agent', message: 'blob stored', size: 5 },
      { time: expect.any(String), level: 'warn', service: 'agent', message: 'disk almost full' },
    ])
  })

  test.each([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
    ['silent', []],
  ] as const)('at level %s writes %p', (level, expected) => {
    const { logger, parsed } = capture(level)
    for (const method of ['debug', 'info', 'warn', 'error'] as const) logger[method]('x')
    expect(parsed().map((line) => line.level)).toEqual(expected)
  })

  test('a level that is off is one shared function that does nothing', () => {
    const { logger } = capture('info')
    expect(Reflect.get(logger, 'debug')).toBe(Reflect.get(logger.child({ a: 1 }), 'debug'))
  })

  test('a child adds its fields to every line and may be overruled by the call', () => {
    const { logger, parsed } = capture('info')
    logger.child({ listener: 'ops', n: 1 }).child({ peer: 'p' }).info('x', { n: 2 })
    expect(parsed()[0]).toMatchObject({ listener: 'ops', peer: 'p', n: 2 })
  })

  test('shows the code, detail and causes of an error of ours, without a stack', () => {
    const { logger, parsed } = capture('info')
    const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    logger.error('failed to fetch', { err: appError('PEER_CLOSED', { detail: { peer: 'p' }, cause }) })
    expect(parsed()[0]?.err).toEqual({
      code: 'PEER_CLOSED',
      message: 'the peer closed the connection',
      detail: { peer: 'p' },
      cause: { code: 'ECONNRESET', message: 'read ECONNRESET' },
    })
  })

  test('shows the stack of an unexpected error', () => {
    const { logger, parsed } = capture('info')
    logger.error('failed to think', { err: new TypeError('x is not a function') })
    expect(parsed()[0]?.err).toMatchObject({
      message: 'x is not a function',
      stack: expect.stringContaining('json-logger.test'),
    })
  })

  test('survives causes in a circle, big integers and thrown texts', () => {
    const { logger, parsed } = capture('info')
    const err = new Error('round')
    err.cause = err
    logger.error('a', { err, size: 5n })
    logger.error('b', { err: 'text' })
    logger.error('c', { err: undefined })
    expect(parsed()).toMatchObject([
      { err: { message: 'round' }, size: '5' },
      { err: { message: 'text' } },
      { message: 'c' },
    ])
  })

  test('writes to the stream it is given', async () => {
    const stream = new PassThrough()
    jsonLogger({ level: 'info', service: 'cli', stream }).info('hello')
    const [chunk] = (await stream.take(1).toArray()) as [Buffer]
    expect(JSON.parse(chunk.toString())).toMatchObject({ service: 'cli', message: 'hello' })
  })
})

describe('the twins', () => {
  test('the recording logger keeps lines of its children too, in order', () => {
    const logger = recordingLogger()
    const err = appError('NOT_FOUND')
    logger.child({ a: 1 }).warn('x', { err })
    logger.debug('y')
    expect(logger.lines).toEqual([
      { level: 'warn', message: 'x', fields: { a: 1, err } },
      { level: 'debug', message: 'y', fields: {} },
    ])
  })

  test('the silent logger says nothing', () => {
    const logger = silentLogger()
    logger.child({ a: 1 }).error('x')
    expect(logger.child({})).toBe(logger)
  })
})
