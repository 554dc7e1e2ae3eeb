import { describe, expect, test } from '@jest/globals'
import {
  blobRefKey,
  digestOf,
  OWN_REGISTRY,
  parseRegistryHost,
  parseRepository,
  repositoryText,
  sameRepository,
} from '../../../lib/core/index.ts'

const nameInvalid = expect.objectContaining({ code: 'NAME_INVALID' })

describe('registry hosts', () => {
  test.each([
    ['docker.io', 'docker.io'],
    ['Docker.IO', 'docker.io'],
    ['registry.local:5000', 'registry.local:5000'],
    ['10.0.0.1:80', '10.0.0.1:80'],
    ['host:65535', 'host:65535'],
    ['localhost', 'localhost'],
    ['LOCALHOST:1', 'localhost:1'],
    ['a-b.c', 'a-b.c'],
    [`${'a'.repeat(63)}.b`, `${'a'.repeat(63)}.b`],
  ])('reads %p as %p', (text, host) => {
    expect(parseRegistryHost(text)).toBe(host)
  })

  test.each([
    ...['', 'registry', 'own', '.', '..', '.io', 'docker.', 'docker..io', 'a_b.c', '-a.b', 'a-.b', 'ä.io', 'a.b\n'],
    ...['a:', 'a:0', 'a:080', 'a:65536', 'a:123456', 'a:1:2', 'a:b', ':5000', '[::1]:5000', '::1'],
    ...[
      'https://docker.io',
      'a.b/c',
      'a b.c',
      'user@a.b',
      `${'a'.repeat(64)}.b`,
      `${'a.'.repeat(127)}b`.padEnd(256, 'b'),
    ],
  ])('refuses %p', (text) => {
    expect(() => parseRegistryHost(text)).toThrow(nameInvalid)
  })
})

describe('repositories', () => {
  test.each([
    ['nginx', OWN_REGISTRY, 'nginx'],
    ['library/nginx', OWN_REGISTRY, 'library/nginx'],
    ['team/app.v2', OWN_REGISTRY, 'team/app.v2'],
    ['./team.a/app', OWN_REGISTRY, 'team.a/app'],
    ['./docker.io/library/nginx', OWN_REGISTRY, 'docker.io/library/nginx'],
    ['./localhost', OWN_REGISTRY, 'localhost'],
    ['docker.io/library/nginx', 'docker.io', 'library/nginx'],
    ['docker.io/docker.io/x', 'docker.io', 'docker.io/x'],
    ['host:5000/x', 'host:5000', 'x'],
    ['localhost/x', 'localhost', 'x'],
  ])('%p is of the registry %p and has the name %p', (text, registry, name) => {
    const repository = parseRepository(text)
    expect(repository).toEqual({ registry, name })
    expect(repositoryText(repository)).toBe(text)
  })

  test.each([
    ...[
      '',
      '/',
      './',
      '.',
      '..',
      '../etc',
      '/a',
      'a/',
      'a//b',
      'a:b',
      'a/b:5000',
      './a',
      './team',
      './../a',
      '././a.b',
    ],
    ...['docker.io', 'docker.io/', 'team.a', 'localhost', 'host:5000', 'Docker.io/x', 'host:05/x', 'a..b/x', './A.b'],
    ...['docker.io/A', 'a b', 'a\n', 'a.b/c\n', '%2e/a', 'a@b', 'docker.io//x', `docker.io/${'a'.repeat(256)}`],
  ])('refuses %p', (text) => {
    expect(() => parseRepository(text)).toThrow(nameInvalid)
  })

  test('are the same by registry and name', () => {
    const own = parseRepository('./docker.io/x')
    expect(sameRepository(own, parseRepository('./docker.io/x'))).toBe(true)
    expect(sameRepository(own, parseRepository('docker.io/x'))).toBe(false)
    expect(sameRepository(own, parseRepository('./docker.io/y'))).toBe(false)
  })

  test('key maps together with a digest', () => {
    const digest = digestOf(Buffer.from('a'))
    const keys = ['a', './docker.io/x', 'docker.io/x'].map((text) =>
      blobRefKey({ digest, repository: parseRepository(text) }),
    )
    expect(new Set(keys).size).toBe(3)
  })
})
