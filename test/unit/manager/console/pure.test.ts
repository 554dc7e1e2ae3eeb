import { describe, expect, test } from '@jest/globals'
import { en } from '../../../../services/manager/console/src/i18n/en.ts'
import { textOf } from '../../../../services/manager/console/src/i18n/fill.ts'
import { zh } from '../../../../services/manager/console/src/i18n/zh.ts'
import { whereTo } from '../../../../services/manager/console/src/pure/find.ts'
import { formatFor, shortId } from '../../../../services/manager/console/src/pure/format.ts'
import { addressOf, placeAt } from '../../../../services/manager/console/src/pure/paths.ts'

describe('the address of a page of the console', () => {
  test('leads back to the same page, whatever is in its parts', () => {
    const params = { cluster: 'east', swarm: 'a/b?c#d %' }
    const [path = '', search = ''] = addressOf('swarm', params, { view: 'table', empty: '' }).split('?')
    expect(placeAt(path, search)).toEqual({ page: 'swarm', params, query: { view: 'table' } })
  })

  test.each(['/nowhere', '/swarms/a', '/swarms/a/b/c', '/swarms/%zz/b', '/index.html', '/api/v1/me'])(
    '%s is none',
    (path) => expect(placeAt(path)).toBeUndefined(),
  )

  test('is the same with a slash behind it', () => expect(placeAt('/nodes/')?.page).toBe('nodes'))
})

describe('what somebody searches for', () => {
  test.each([
    [`sha256:${'9f'.repeat(32)}`, `/swarms?digest=sha256%3A${'9f'.repeat(32)}`],
    ['9f3a61c0', '/swarms?digest=sha256%3A9f3a61c0'],
    ['10.0.3.7', '/nodes?text=10.0.3.7'],
    ['10.0.3.7:65002', '/nodes?text=10.0.3.7%3A65002'],
    ['fd00::7', '/nodes?text=fd00%3A%3A7'],
    ['team/app', '/images/team%2Fapp'],
    ['registry.example:5000/team/app:1.2', '/images/team%2Fapp'],
    ['app:1.2', '/images/app'],
    ['nginx', '/images?text=nginx'],
  ])('%s leads to %s', (asked, address) => expect(whereTo(asked)).toBe(address))
})

describe('numbers of the console', () => {
  test.each([
    [0, '0 B'],
    [1023, '1,023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [1024 ** 3, '1 GiB'],
    [2 ** 70, '1,048,576 PiB'],
  ])('%d bytes are written %s', (bytes, text) => expect(formatFor('en-GB').size(bytes)).toBe(text))

  test('no share of nothing is told', () => expect(formatFor('en-GB').percent(0, 0)).toBe('–'))

  test.each([
    ['en-GB', '3 min ago'],
    ['zh-CN', '3分钟前'],
  ])('a moment before now is told in %s', (language, text) =>
    expect(formatFor(language).since(1_000_000, 1_180_000)).toBe(text),
  )

  test('a digest is shortened, a name is not', () => {
    expect(shortId(`sha256:${'0123456789abcdef'.repeat(4)}`)).toBe('0123456789ab')
    expect(shortId('node-1')).toBe('node-1')
  })
})

describe('texts of the console', () => {
  test('are there in every language, none empty', () => {
    expect(Object.keys(zh).toSorted()).toEqual(Object.keys(en).toSorted())
    for (const text of [...Object.values(zh), ...Object.values(en)]) expect(text.trim()).not.toBe('')
  })

  test('name the same values in every language', () => {
    const names = (text: string) => new Set([...text.matchAll(/\{(\w+)/g)].map(([, name]) => name))
    for (const [key, text] of Object.entries(en))
      expect([key, names(zh[key as keyof typeof zh])]).toEqual([key, names(text)])
  })

  const speech = { language: 'en', number: String }

  test('choose the plural by the rules of the language', () => {
    const text = '{n|one node|{n} nodes} of {all}'
    expect(textOf(text, { n: 1, all: 7 }, speech)).toBe('one node of 7')
    expect(textOf(text, { n: 0, all: 7 }, speech)).toBe('0 nodes of 7')
    expect(textOf(text, { n: 1, all: 7 }, { ...speech, language: 'zh' })).toBe('1 nodes of 7')
  })

  test('take a value as it is, braces included', () =>
    expect(textOf('not {what}', { what: '{n|a|b}' }, speech)).toBe('not {n|a|b}'))
})
