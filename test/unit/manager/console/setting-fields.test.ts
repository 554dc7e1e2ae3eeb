import { describe, expect, test } from '@jest/globals'
import { checkLiveValues, liveJsonSchemas, liveKinds } from '../../../../lib/api/manager/live-values.ts'
import { drafted, draftOf, kinds, settingFields } from '../../../../services/manager/console/src/pure/setting-fields.ts'

const fields = settingFields(liveJsonSchemas()['build-index'], {})
const fieldOf = (name: string) => {
  const found = fields.find(({ key }) => key === name)
  if (found === undefined) throw new Error(`no field ${name}`)
  return found
}

describe('settings in the console', () => {
  test('are those of every kind that can be steered', () => {
    expect([...kinds].toSorted()).toEqual([...liveKinds].toSorted())
  })

  test.each([
    ['retention.interval', 'text', 'off'],
    ['garbage.interval', 'text', '6h'],
    ['garbage.grace', 'text', '30h'],
    ['garbage.remove', 'truth', true],
    ['garbage.rate', 'number', 100],
    ['retention.rules', 'json', [{ repository: 'team/*', tag: 'pr-*', newest: 20 }]],
    ['retention.protect', 'json', [{ repository: 'prod/*' }]],
    ['retention.untagged', 'json', [{ repository: '*', olderThan: '7d' }]],
  ])('%s of build-indexes is a field of the sort %s, and what is written there is taken', (key, sort, value) => {
    const field = fieldOf(key)
    expect(field.sort).toBe(sort)
    const said = drafted(field, draftOf(field, value))
    expect(said).toEqual({ value })
    expect(() => checkLiveValues('build-index', { [key]: value })).not.toThrow()
  })

  test('an interval says how it is written', () => {
    expect([fieldOf('garbage.interval').format, fieldOf('retention.interval').format]).toEqual(['interval', 'interval'])
    expect(() => checkLiveValues('build-index', { 'garbage.interval': '10s' })).toThrow(/at least 1m/)
  })
})
