import { expect, test } from '@jest/globals'
import { appError, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { RecordingTracer, type SpanRecord } from '../../../lib/telemetry/index.ts'
import { copyOf, journalLab } from '../../kit/journal-lab.ts'

test('each try of a task is a trace of its own, which fails with its code', async () => {
  const clock = fakeClock()
  const spans: SpanRecord[] = []
  using tracer = new RecordingTracer(
    { clock, random: seededRandom(1), onSpan: (span) => spans.push(span) },
    { ratio: 1 },
  )
  const lab = journalLab({ clock, tracer })
  await lab.journal.start()
  let tries = 0
  lab.behave('team/app', async () => {
    tracer.begin('inner').end()
    tries += 1
    if (tries === 1) throw appError('BACKEND_UNAVAILABLE', { message: 'at http://key:secret@store' })
  })
  await lab.journal.add(copyOf('team/app'))
  await lab.clock.advance(60_000)
  const tasks = spans.filter(({ name }) => name === 'task copy')
  expect(tasks.map(({ failure, parentId, attributes }) => [failure, parentId, attributes])).toEqual([
    ['BACKEND_UNAVAILABLE', undefined, { 'shoal.task.key': 'team/app', 'shoal.task.attempts': 0 }],
    [undefined, undefined, { 'shoal.task.key': 'team/app', 'shoal.task.attempts': 1 }],
  ])
  const inner = spans.filter(({ name }) => name === 'inner')
  expect(inner.map(({ parentId }) => parentId)).toEqual(tasks.map(({ context }) => context.spanId))
  expect(JSON.stringify(spans)).not.toContain('secret')
})
