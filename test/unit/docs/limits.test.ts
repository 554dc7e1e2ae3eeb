import { describe, expect, test } from '@jest/globals'
import { announceLimits, orderLimits, originTimeouts, steeringLimits } from '../../../lib/api/index.ts'
import { INLINE_LIMIT, MANIFEST_LIMIT, pieceLengthFor, WITHHELD_TAIL_BYTES } from '../../../lib/core/index.ts'
import { swarmLimits } from '../../../lib/swarm/index.ts'
import { docTable, projectSources, readProjectFile } from '../../kit/doc-table.ts'

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  TiB: 2 ** 40,
}

/** `5 s` in milliseconds, `64 KiB` in bytes, a plain number, or else the text itself. */
function measureOf(text: string): number | string {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(?: (\w+))?$/.exec(text) ?? []
  if (digits === undefined) return text
  const factor = unit === undefined ? 1 : units[unit]
  if (factor === undefined) throw new Error(`${text} has a unit that is not known`)
  return Number(digits) * factor
}

/** The value of a product of numbers and powers in a source file, or else the text itself. */
function computed(expression: string): number | string {
  if (!/^[\d_. *]+$/.test(expression)) return expression
  const factors = expression.replaceAll('_', '').split(/(?<!\*) \* (?!\*)/)
  return factors.reduce((product, factor) => {
    const [base = 0, power = 1] = factor.split(' ** ').map(Number)
    return product * base ** power
  }, 1)
}

const rows = docTable('docs/limits.md', ['limit', 'value', 'why'])
const section = (heading: string) =>
  Object.fromEntries(
    rows.filter((row) => row.heading.startsWith(heading)).map(({ limit, value }) => [limit, measureOf(value)]),
  )

describe('docs/limits.md', () => {
  test('has every limit of the swarm with its value', () => {
    expect(section('Swarm')).toEqual(swarmLimits)
  })

  test('has every limit of the announce protocol with its value', () => {
    expect(section('Announces')).toEqual(announceLimits)
  })

  test('has every limit of the protocol of orders with its value', () => {
    expect(section('Orders')).toEqual(orderLimits)
  })

  test('has every limit of the settings of a fleet with its value', () => {
    expect(section('Settings of a fleet')).toEqual(steeringLimits)
  })

  test('has every wait for an origin with its value', () => {
    expect(section('Waits for an origin')).toEqual(originTimeouts)
  })

  test('has the limits of the protocol', () => {
    const tebibyte = 2 ** 40
    expect(section('Protocol')).toEqual({
      MANIFEST_LIMIT,
      INLINE_LIMIT,
      WITHHELD_TAIL_BYTES,
      'pieceLengthFor: at least': pieceLengthFor(1),
      'pieceLengthFor: at most': pieceLengthFor(tebibyte),
    })
  })

  test('says of each why', () => {
    expect([...rows, ...elsewhere].filter(({ why }) => why === '')).toEqual([])
  })
})

const elsewhere = docTable('docs/limits.md', ['limit', 'value', 'where', 'why'])
const declaration = /^(?:export )?const ([A-Z][A-Z\d_]+) = (.+)$/gm
const declared = (file: string) =>
  [...readProjectFile(file).matchAll(declaration)].map(([, name = '', value = '']) => ({ name, value }))

describe('constants in docs/limits.md', () => {
  test.each(elsewhere.map(({ limit, where, value }) => [where, limit, value]))(
    '%s: %s is %s',
    (where, limit, value) => {
      const found = declared(where).find(({ name }) => name === limit)
      expect(found === undefined ? 'not there' : computed(found.value)).toBe(measureOf(value))
    },
  )

  test('miss none that is called a limit or a maximum', () => {
    const documented = new Set([
      ...elsewhere.map(({ where, limit }) => `${where} ${limit}`),
      'lib/core/descriptor.ts MANIFEST_LIMIT',
      'lib/core/meta-info.ts INLINE_LIMIT',
    ])
    const derivedOrFixed = ['MAX_PAYLOAD', 'MAX_PORT', 'MAX_CAUSES']
    const limits = projectSources('lib', 'services').flatMap((file) =>
      declared(file)
        .filter(({ name }) => /^MAX_|_LIMIT$/.test(name) && !derivedOrFixed.includes(name))
        .map(({ name }) => `${file} ${name}`),
    )
    expect(limits.filter((limit) => !documented.has(limit))).toEqual([])
  })
})
