import { describe, expect, test } from '@jest/globals'
import {
  anonymousRights,
  byteSize,
  duration,
  logLevel,
  memberList,
  parseBind,
  parseBytes,
  parseConfig,
  parseDuration,
  parseRate,
  rate,
  secretValues,
} from '../../../lib/config/index.ts'
import { logLevels } from '../../../lib/telemetry/index.ts'

const invalid = expect.objectContaining({ code: 'CONFIG_INVALID' })

describe('durations', () => {
  test.each([
    ['250ms', 250],
    ['5s', 5000],
    ['30m', 1_800_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['1.5s', 1500],
    ['0', 0],
    [' 5 s ', 5000],
  ])('%p is %p ms', (text, expected) => {
    expect(parseDuration(text)).toBe(expected)
    expect(parseConfig(duration, text)).toBe(expected)
  })

  test.each(['', '5', 's', '-5s', '5S', '5 parsecs', '1e3s', '5s5', 'toString'])('%p is none', (text) => {
    expect(() => parseDuration(text)).toThrow(invalid)
    expect(() => parseConfig(duration, text)).toThrow(invalid)
  })

  test('a bare number has no unit and is refused', () => {
    expect(() => parseConfig(duration, 5)).toThrow(invalid)
  })
})

describe('sizes', () => {
  test.each([
    ['512B', 512],
    ['20MB', 20_000_000],
    ['64MiB', 67_108_864],
    ['1.5GiB', 1_610_612_736],
    ['1kB', 1000],
    ['2TiB', 2_199_023_255_552],
    ['1024', 1024],
  ])('%p is %p bytes', (text, expected) => {
    expect(parseBytes(text)).toBe(expected)
    expect(parseConfig(byteSize, text)).toBe(expected)
  })

  test('a plain number is bytes', () => {
    expect(parseConfig(byteSize, 4096)).toBe(4096)
    expect(() => parseConfig(byteSize, -1)).toThrow(invalid)
    expect(() => parseConfig(byteSize, 1.5)).toThrow(invalid)
  })

  test.each(['', 'MB', '-1MB', '1mb', '1 XB', '1constructor'])('%p is none', (text) => {
    expect(() => parseBytes(text)).toThrow(invalid)
  })
})

describe('a secret', () => {
  const long = 'a:b"c~!/+=123456'

  test('may have any character that a header can carry', () => {
    expect(parseConfig(secretValues, long)).toEqual([long])
    expect(parseConfig(secretValues, [long, `${long}7`])).toEqual([long, `${long}7`])
  })

  test.each([
    ['at least 16', long.slice(1)],
    ['at most 256', 'a'.repeat(257)],
    ['without spaces', 'a b and 16 others'],
    ['without spaces', 'ends-with-a-space '],
    ['without spaces', 'a\ttab-and-16-others'],
    ['without spaces', 'a\nline-and-16-others'],
    ['without spaces', 'é-and-16-more-of-them'],
    ['in quotes', 1_234_567_890_123_456],
    ['at most two', [long, `${long}7`, `${long}8`]],
    ['at least 16', [long, 'short']],
    ['>=1', []],
  ])('is refused with the reason, and not shown: %s', (reason, value) => {
    const failure = expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(reason) })
    expect(() => parseConfig(secretValues, value)).toThrow(failure)
    expect(() => parseConfig(secretValues, value)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(String(value).slice(0, 5) || 'nothing') }),
    )
  })
})

describe('rates', () => {
  test.each([
    ['20MB/s', 20_000_000],
    ['1GiB / s', 1_073_741_824],
    ['unlimited', undefined],
  ])('%p is %p bytes per second', (text, expected) => {
    expect(parseRate(text)).toBe(expected)
    expect(parseConfig(rate, text)).toBe(expected)
  })

  test.each(['20MB', '0MB/s', '20MB/m', ''])('%p is none', (text) => {
    expect(() => parseRate(text)).toThrow(invalid)
  })
})

describe('addresses', () => {
  test.each([
    ['127.0.0.1:5000', { host: '127.0.0.1', port: 5000 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['localhost:auto', { host: 'localhost', port: 0 }],
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
  ])('%p', (text, expected) => {
    expect(parseBind(text)).toEqual(expected)
  })

  test.each(['', '127.0.0.1', ':5000', '::1:80', 'a:65536', 'a:b', 'a b:1', 'http://a:1', '[]:1'])(
    '%p is none',
    (text) => {
      expect(() => parseBind(text)).toThrow(invalid)
    },
  )
})

describe('members', () => {
  test('come with a base URL without slash', () => {
    const parsed = parseConfig(memberList, [
      { id: 'a', url: 'http://10.0.0.1:64001/' },
      { id: 'b', url: 'https://b.example' },
    ])
    expect(parsed).toEqual([
      { id: 'a', url: 'http://10.0.0.1:64001' },
      { id: 'b', url: 'https://b.example' },
    ])
  })

  test.each([
    ['no member', []],
    [
      'two of one id',
      [
        { id: 'a', url: 'http://x' },
        { id: 'a', url: 'http://y' },
      ],
    ],
    ['another scheme', [{ id: 'a', url: 'ftp://x' }]],
    ['no scheme', [{ id: 'a', url: '10.0.0.1:64001' }]],
    ['no id', [{ id: '', url: 'http://x' }]],
    ['a stray key', [{ id: 'a', url: 'http://x', weight: 2 }]],
  ])('refuses %s', (_, members) => {
    expect(() => parseConfig(memberList, members)).toThrow(invalid)
  })
})

describe('words', () => {
  test('the log levels are those of the logger', () => {
    expect(logLevel.options).toEqual([...logLevels])
  })

  test('rights of strangers', () => {
    expect(parseConfig(anonymousRights, 'read')).toBe('read')
    expect(() => parseConfig(anonymousRights, 'root')).toThrow(invalid)
  })
})
