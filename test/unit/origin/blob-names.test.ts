import { describe, expect, test } from '@jest/globals'
import { backendRulesSchema, openBackends } from '../../../lib/backend/index.ts'
import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { digestOf, parseRepository, type Repository } from '../../../lib/core/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { blobNames } from '../../../services/origin/blob-names.ts'

const digest = digestOf(Buffer.from('x'))
const patterns = ['docker.io/*', './*', 'team/*', '*']
const isUpstream = ({ registry }: Repository) => registry === parseRepository('ghcr.io/x').registry

/** Names with labels in memory and rules that each have a backend of their own. */
function names(label?: unknown) {
  const labels = new Map([[digest, Buffer.from(JSON.stringify(label ?? null))]])
  const store = {
    sidecar: async () => labels.get(digest),
    putSidecar: async (_digest: string, _name: string, bytes: Uint8Array) =>
      void labels.set(digest, Buffer.from(bytes)),
  }
  const rules = patterns.map((repository, i) => ({ repository, backend: { driver: 'file', folder: `/nowhere/${i}` } }))
  const parts = { clock: systemClock(), random: seededRandom(1), logger: silentLogger(), metrics: recordingMetrics() }
  const backends = openBackends(parts, backendRulesSchema.parse(rules))
  const noted = () => JSON.parse(labels.get(digest)?.toString() ?? 'null') as unknown
  return { backends, noted, names: blobNames({ store, backends }, { patterns, isUpstream }) }
}

describe('the repositories of a blob at rest', () => {
  test('are noted in their text form, one for each backend', async () => {
    const it = names()
    for (const text of ['team/app', 'team/other', 'docker.io/library/nginx', './docker.io/x', 'any']) {
      await it.names.add({ digest, repository: parseRepository(text) })
    }
    const texts = ['team/app', 'docker.io/library/nginx', './docker.io/x', 'any']
    expect(it.noted()).toEqual({ repositories: texts })
    expect(await it.names.of(digest)).toEqual(texts.map(parseRepository))
    expect(await it.names.backends(digest)).toHaveLength(4)
  })

  test('are one for each rule where nothing was noted, so that every backend is asked', async () => {
    const it = names()
    expect(await it.names.of(digest)).toEqual(['docker.io/any', './a.b', 'team/any', 'any'].map(parseRepository))
    expect(await it.names.backends(digest)).toHaveLength(4)
  })

  test('are read from labels of the version before, and other text is skipped', async () => {
    expect(await names({ namespaces: ['team/app', '../etc', 7] }).names.of(digest)).toEqual([
      parseRepository('team/app'),
    ])
    expect(await names({ repositories: ['../etc'] }).names.of(digest)).toHaveLength(4)
    expect(await names({ repositories: 7 }).names.of(digest)).toHaveLength(4)
  })

  test('are one of a registry of others at most, and only when it came first', async () => {
    const it = names()
    for (const text of ['ghcr.io/a', 'ghcr.io/b']) await it.names.add({ digest, repository: parseRepository(text) })
    expect(it.noted()).toEqual({ repositories: ['ghcr.io/a'] })
    expect(await it.names.isOthers(digest)).toBe(true)
    await it.names.add({ digest, repository: parseRepository('team/app') })
    expect(it.noted()).toEqual({ repositories: ['ghcr.io/a', 'team/app'] })
    expect(await it.names.isOthers(digest)).toBe(false)
    const own = names({ repositories: ['team/app'] })
    await own.names.add({ digest, repository: parseRepository('ghcr.io/a') })
    expect(own.noted()).toEqual({ repositories: ['team/app'] })
    expect(await names().names.isOthers(digest)).toBe(false)
  })
})

test.each([[['a//b']], [[]]])('patterns that leave a backend without a repository are refused (%j)', (wrong) => {
  const { backends } = names()
  const store = { sidecar: async () => undefined, putSidecar: async () => undefined }
  expect(() => blobNames({ store, backends }, { patterns: wrong, isUpstream })).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  )
})
