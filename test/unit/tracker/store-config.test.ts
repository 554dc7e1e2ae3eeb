import { inspect } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { trackerSchema } from '../../../services/tracker/config.ts'

const parse = (store: object) => trackerSchema.safeParse({ store })

describe('the store of a tracker', () => {
  test('is its memory when the config says nothing', () => {
    expect(trackerSchema.parse({}).store).toEqual({ driver: 'memory', prefix: 'shoal:' })
  })

  test.each(['redis://r', 'redis://10.0.0.1:6380', 'rediss://redis.example.com:6379/15', 'redis://[::1]:6379'])(
    'may be at %s',
    (url) => {
      expect(parse({ driver: 'redis', url }).success).toBe(true)
    },
  )

  test.each([
    ['redis without a place', { driver: 'redis' }],
    ['a password in the URL', { driver: 'redis', url: 'redis://:secret@r:6379' }],
    ['another protocol', { driver: 'redis', url: 'http://r:6379' }],
    ['a query', { driver: 'redis', url: 'redis://r:6379?x=1' }],
    ['another driver', { driver: 'memcached', url: 'redis://r' }],
    ['a prefix with spaces', { prefix: 'a b' }],
  ])('is not %s', (_what, store) => {
    expect(parse(store).success).toBe(false)
  })

  test('does not show its password', () => {
    const { store } = trackerSchema.parse({ store: { driver: 'redis', url: 'redis://r', password: 'top secret' } })
    expect(inspect(store) + JSON.stringify(store)).not.toContain('top secret')
    expect(store.password?.()).toBe('top secret')
  })
})
