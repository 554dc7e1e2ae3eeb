import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import { OWN_REGISTRY, parseRegistryHost, parseRepositoryName } from '../../../lib/core/index.ts'
import { type AddressedInit, addressedRegistry, repositoryAt } from '../../../lib/registry/addressed-registry.ts'

const any: AddressedInit = {
  ownNames: ['registry.example.com'],
  ownHosts: ['own.example.com'],
  default: 'none',
  serves: () => true,
  upstreamHeaders: ['X-Dragonfly-Registry'],
}

interface Asked {
  readonly path?: string
  readonly ns?: string
  readonly headers?: Readonly<Record<string, readonly string[]>>
  readonly host?: string
}

const nginx = '/v2/library/nginx/manifests/latest'

function meant(init: AddressedInit, { path = nginx, ns = '', headers = {}, host = '127.0.0.1:65001' }: Asked) {
  const req = {
    url: path,
    headers: { host },
    headersDistinct: { host: [host], ...headers },
  } as unknown as IncomingMessage
  try {
    const found = addressedRegistry({ path, query: new URLSearchParams(ns), req }, init)
    return `${found.registry} ${found.path}`
  } catch (err) {
    return (err as { code: string }).code
  }
}

const header = (...values: readonly string[]) => ({ headers: { 'x-dragonfly-registry': values } })

describe('the registry that a request means', () => {
  test.each<[string, Asked, string]>([
    ['ns', { ns: 'ns=ghcr.io' }, `ghcr.io ${nginx}`],
    ['ns with a port', { ns: 'ns=localhost:5000' }, `localhost:5000 ${nginx}`],
    ['ns in upper case', { ns: 'ns=GHCR.io' }, `ghcr.io ${nginx}`],
    ['ns of docker.io under its other names', { ns: 'ns=registry-1.docker.io' }, `docker.io ${nginx}`],
    ['ns twice, the same', { ns: 'ns=ghcr.io&ns=GHCR.IO' }, `ghcr.io ${nginx}`],
    ['ns twice, different', { ns: 'ns=ghcr.io&ns=quay.io' }, 'NAME_UNKNOWN'],
    ['ns that is no host', { ns: 'ns=library' }, 'NAME_UNKNOWN'],
    ['ns, whatever a header says', { ns: 'ns=ghcr.io', ...header('https://quay.io') }, `ghcr.io ${nginx}`],
    [
      'ns of ours, whatever a header says',
      { ns: 'ns=registry.example.com', ...header('https://quay.io') },
      `own ${nginx}`,
    ],
    ['a URL in a header', header('https://quay.io'), `quay.io ${nginx}`],
    ['a URL with a usual port and a path', header('https://quay.io:443/v2/'), `quay.io ${nginx}`],
    ['a URL with a port', header('http://localhost:5000'), `localhost:5000 ${nginx}`],
    ['a host in a header', header('quay.io'), `quay.io ${nginx}`],
    ['index.docker.io in a header', header('https://index.docker.io'), `docker.io ${nginx}`],
    ['two headers that differ', header('https://quay.io', 'https://ghcr.io'), 'NAME_UNKNOWN'],
    ['nonsense in a header', header('https://'), 'NAME_UNKNOWN'],
    ['a path', { path: '/v2/ghcr.io/a/b/manifests/1' }, 'ghcr.io /v2/a/b/manifests/1'],
    ['a path with a port', { path: '/v2/localhost:5000/a/tags/list' }, 'localhost:5000 /v2/a/tags/list'],
    ['a path with an encoded port', { path: '/v2/localhost%3a5000/a/blobs/x' }, 'localhost:5000 /v2/a/blobs/x'],
    ['a path of one of our names', { path: '/v2/registry.example.com/a/manifests/1' }, 'own /v2/a/manifests/1'],
    [
      'a name that only looks like a host',
      { path: '/v2/ghcr.io/manifests/1', host: 'own.example.com' },
      'own /v2/ghcr.io/manifests/1',
    ],
    ['a host of ours', { host: 'own.example.com' }, `own ${nginx}`],
    ['nothing', {}, 'REGISTRY_UNSAID'],
  ])('by %s', (_, asked, expected) => {
    expect(meant(any, asked)).toBe(expected)
  })

  test('is that of the default where the listener says so, and only where nothing else is named', () => {
    const hub = { ...any, default: 'docker.io' }
    expect(meant(hub, {})).toBe(`docker.io ${nginx}`)
    expect(meant(hub, { ns: 'ns=ghcr.io' })).toBe(`ghcr.io ${nginx}`)
    expect(meant(hub, { host: 'own.example.com' })).toBe(`own ${nginx}`)
  })

  test.each<[string, Asked, string]>([
    ['ns', { ns: 'ns=ghcr.io' }, 'NAME_UNKNOWN'],
    ['a header', header('https://ghcr.io'), 'NAME_UNKNOWN'],
    ['a path: that is a name of ours', { path: '/v2/ghcr.io/a/b/manifests/1' }, 'own /v2/ghcr.io/a/b/manifests/1'],
  ])('is none that is not served, named by %s', (_, asked, expected) => {
    expect(meant({ ...any, default: 'own', serves: (host) => host === 'quay.io' }, asked)).toBe(expected)
  })
})

test('only Docker Hub keeps short names below library', () => {
  const name = parseRepositoryName('nginx')
  expect(repositoryAt(parseRegistryHost('docker.io'), name).name).toBe('library/nginx')
  expect(repositoryAt(parseRegistryHost('docker.io'), parseRepositoryName('team/nginx')).name).toBe('team/nginx')
  expect(repositoryAt(parseRegistryHost('ghcr.io'), name).name).toBe('nginx')
  expect(repositoryAt(OWN_REGISTRY, name).name).toBe('nginx')
})
