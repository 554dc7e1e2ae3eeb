import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { layout } from '../../lib/backend/file/layout.ts'
import { type Digest, digestOf } from '../../lib/core/index.ts'
import { blobKey } from '../../services/origin/blob-keys.ts'
import { cipherBytes } from '../kit/cipher-bytes.ts'
import { linkBlob } from '../kit/link-blob.ts'
import { buildResource } from '../kit/resource-stack.ts'
import { tempFolder } from '../kit/temp-folder.ts'
import { startTopology, type Topology } from '../kit/topology.ts'

const ROUNDS = 8
/** Each round has blobs of its own, so that nothing is here already: one that fits in a header, and one that does not. */
const blobs = Array.from({ length: ROUNDS }, (_, round) =>
  cipherBytes(`round ${round}`, round % 2 === 0 ? 300_000 : 9_000),
)

interface Lab {
  readonly shoal: Topology
}

/** A cluster whose rule for `team/*` has the blobs, and whose rule for `evil/*` has `theirs` in place of each. */
function twoBackends(theirs?: (bytes: Uint8Array) => Uint8Array) {
  return buildResource<Lab>(async (stack) => {
    const { path } = stack.own(await tempFolder())
    const put = async (name: string, digest: Digest, bytes: Uint8Array) => {
      const file = layout(join(path, name)).object(blobKey(digest))
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, bytes)
    }
    for (const bytes of blobs) {
      await put('team', digestOf(bytes), bytes)
      if (theirs !== undefined) await put('evil', digestOf(bytes), theirs(bytes))
    }
    const rules = ['team', 'evil'].map((name) => ({
      repository: `${name}/*`,
      backend: { driver: 'file', folder: join(path, name) },
    }))
    const overrides = [`origin.backends=${JSON.stringify(rules)}`]
    const shoal = stack.own(await startTopology({ agents: 1, origins: 2, trackers: 1, processes: [], overrides }))
    for (const name of ['team/x', 'evil/x', 'evil/y']) {
      await Promise.all(blobs.map((bytes) => linkBlob(shoal, name, digestOf(bytes), bytes.length)))
    }
    return { shoal }
  })
}

async function get(url: string): Promise<{ readonly status: number; readonly bytes: Buffer }> {
  const answer = await fetch(url)
  return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) }
}

const paths: readonly (readonly [service: string, listener: string, path: (name: string, digest: Digest) => string])[] =
  [
    ['agent-1', 'registry', (name, digest) => `/v2/${name}/blobs/${digest}`],
    ['agent-1', 'registry', (name, digest) => `/namespace/${encodeURIComponent(name)}/blobs/${digest}`],
    ['origin-1', 'http', (name, digest) => `/namespace/${encodeURIComponent(name)}/blobs/${digest}`],
  ]

test.each(paths)(
  'who asks %s (%s) for our digest under a name of his spoils nothing for us',
  async (id, listener, path) => {
    await using lab = await twoBackends()
    const base = lab.shoal.url(id, listener)
    for (const bytes of blobs) {
      const digest = digestOf(bytes)
      const hostile = ['evil/x', 'evil/y', 'evil/x', 'nobody/there', 'A', 'evil/x'].map((name) =>
        get(base + path(name, digest)),
      )
      const ours = await get(base + path('team/x', digest))
      expect(ours.status).toBe(200)
      expect(ours.bytes.equals(bytes)).toBe(true)
      const theirs = await Promise.all(hostile)
      expect(theirs[4]?.status).toBe(400)
      for (const { status, bytes: found } of theirs) if (status === 200) expect(found.equals(bytes)).toBe(true)
    }
  },
)

test.each([
  ['other bytes', (bytes: Uint8Array) => Uint8Array.from(bytes, (byte) => byte ^ 1)],
  ['another length', (bytes: Uint8Array) => Uint8Array.from(bytes.subarray(100))],
])('who has %s under our digest in his backend gets an error, and we our bytes', async (_what, theirs) => {
  await using lab = await twoBackends(theirs)
  const [first, ...rest] = blobs
  if (first === undefined) throw new Error('no blob')
  const origin = lab.shoal.url('origin-1')
  const pathAt = (name: string, digest: Digest) => `/namespace/${encodeURIComponent(name)}/blobs/${digest}`
  const refused = await get(origin + pathAt('evil/x', digestOf(first))).catch(() => undefined)
  expect(refused?.status).not.toBe(200)
  for (const bytes of [first, ...rest]) {
    const digest = digestOf(bytes)
    const hostile = get(origin + pathAt('evil/x', digest)).catch(() => undefined)
    const ours = await get(origin + pathAt('team/x', digest))
    expect(ours.status).toBe(200)
    expect(ours.bytes.equals(bytes)).toBe(true)
    const found = await hostile
    if (found?.status === 200) expect(found.bytes.equals(bytes)).toBe(true)
  }
})
