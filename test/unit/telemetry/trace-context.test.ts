import { expect, test } from '@jest/globals'
import { traceContextIn, traceHeaders } from '../../../lib/telemetry/index.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'

const cases: readonly (readonly [what: string, parent: string | undefined, sampled: boolean | undefined])[] = [
  ['a recorded one', `00-${traceId}-${spanId}-01`, true],
  ['one that is not recorded', `00-${traceId}-${spanId}-00`, false],
  ['further flags', `00-${traceId}-${spanId}-03`, true],
  ['only further flags', `00-${traceId}-${spanId}-02`, false],
  ['none', undefined, undefined],
  ['an empty one', '', undefined],
  ['an id of zeros', `00-${'0'.repeat(32)}-${spanId}-01`, undefined],
  ['a parent of zeros', `00-${traceId}-${'0'.repeat(16)}-01`, undefined],
  ['capitals', `00-${traceId.toUpperCase()}-${spanId}-01`, undefined],
  ['a short id', `00-${traceId.slice(1)}-${spanId}-01`, undefined],
  ['more than version 0 has', `00-${traceId}-${spanId}-01-more`, undefined],
  ['a later version', `01-${traceId}-${spanId}-01`, true],
  ['a later version with more', `01-${traceId}-${spanId}-01-more`, true],
  ['version ff', `ff-${traceId}-${spanId}-01`, undefined],
  ['a line of its own', `00-${traceId}-${spanId}-01\nx: y`, undefined],
]

test.each(cases)('traceparent: %s', (_what, parent, sampled) => {
  const context = traceContextIn(parent)
  expect(context).toEqual(sampled === undefined ? undefined : { traceId, spanId, isSampled: sampled })
})

test('what is read is written again as it came, with the state of others', () => {
  const headers = { traceparent: `00-${traceId}-${spanId}-01`, tracestate: 'vendor=a:b,other=c' }
  const context = traceContextIn(headers.traceparent, headers.tracestate)
  expect(context && traceHeaders(context)).toEqual(headers)
})

test.each([
  ['too long', 'a='.padEnd(513, 'b')],
  ['with a line of its own', 'a=b\nx: y'],
  ['empty', ''],
])('a tracestate that is %s is not passed on, and the trace goes on', (_what, state) => {
  expect(traceContextIn(`00-${traceId}-${spanId}-01`, state)).toEqual({ traceId, spanId, isSampled: true })
})
