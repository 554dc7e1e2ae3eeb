import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { originClient } from '../../../lib/api/index.ts'
import { type Backend, fileBackend } from '../../../lib/backend/index.ts'
import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { parseRepository } from '../../../lib/core/index.ts'
import { type HttpClient, httpClient } from '../../../lib/http/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { compiledScript } from '../../kit/compiled-script.ts'
import { eventually } from '../../kit/eventually.ts'
import { type OriginRing, originRing } from '../../kit/origin-ring.ts'
import { type PushStep, pushSteps } from '../../kit/push-steps.ts'
import { type Content, contentOf } from '../../kit/store-fixture.ts'
import { type TempFolder, tempFolder } from '../../kit/temp-folder.ts'

const repository = parseRepository('team/app')

const script = join(import.meta.dirname, '..', '..', 'kit', 'dying-origin.ts')
const all = ['origin-1', 'origin-2', 'origin-3']
const [taker = '', ...others] = all
/** An origin that has no copies, only the backend. */
const cold = 'origin-4'

let folder: TempFolder
let ring: OriginRing
let http: HttpClient
let store: Backend
let program: string
let config: Readonly<Record<string, unknown>>
const stored = () => join(folder.path, 'backend')
let isAway = false
const takeAway = async () => {
  await rename(stored(), `${stored()}-away`)
  isAway = true
}
const bringBack = async () => {
  await rename(`${stored()}-away`, stored())
  isAway = false
}

beforeAll(async () => {
  folder = await tempFolder('push-steps')
  program = await compiledScript(script)
  ring = await originRing([...all, cold])
  http = httpClient({ clock: systemClock() })
  await http.start()
  store = fileBackend({ clock: systemClock(), random: seededRandom(1), logger: silentLogger() }, { folder: stored() })
  const backends = [{ repository: '*', durability: 'replicas', backend: { driver: 'file', folder: stored() } }]
  // The other owner waits so long that only the origin that died can write to the backend during the test.
  config = { backends, writeBack: { spareDelay: '1h', retryMin: '50ms', retryMax: '100ms' } }
  for (const id of others) await ring.start(id, { config, members: all, ownBackends: true })
  await ring.start(cold, { config, members: [cold], ownBackends: true })
})

afterEach(async () => {
  await ring.stop(taker)
  if (isAway) await bringBack()
})

afterAll(async () => {
  await ring[Symbol.asyncDispose]()
  await http.stop()
  await folder[Symbol.asyncDispose]()
})

/** Content whose first owner is the origin that takes the push. */
function contentFor(step: PushStep): Content {
  for (let attempt = 0; ; attempt += 1) {
    const content = contentOf(cipherBytes(`${step} ${attempt}`, 1_000_000))
    if (ring.ringOf(...all).owners(content.digest)[0]?.id === taker) return content
  }
}

async function push({ bytes, digest }: Content): Promise<void> {
  const client = originClient(http, ring.url(taker))
  const { id } = await client.createUpload(repository)
  await client.appendUpload(repository, id, { offset: 0, body: bytes })
  await client.commitUpload(repository, id, { digest })
}

/** `whole` or `none`; `wrong` when it is there in part or with other bytes. */
async function inBackend({ bytes, digest }: Content): Promise<'whole' | 'none' | 'wrong'> {
  const found = await store.read(blobKey(digest))
  if (found === undefined) return 'none'
  return Buffer.compare(bytes, await buffer(found.body)) === 0 ? 'whole' : 'wrong'
}

async function inAnswer(id: string, { bytes, digest }: Content): Promise<'whole' | 'none' | 'wrong'> {
  const answer = await ring.read(id, digest)
  if (typeof answer === 'number') return 'none'
  return Buffer.compare(bytes, answer) === 0 ? 'whole' : 'wrong'
}

const restart = () => ring.start(taker, { config, members: all, ownBackends: true })

async function arrives(content: Content): Promise<void> {
  await eventually(async () => expect(await inBackend(content)).toBe('whole'))
  expect(await inAnswer(cold, content)).toBe('whole')
}

async function startDying(step: PushStep): Promise<void> {
  await ring.start(taker, { config, members: all, alone: true, program: [program, step] })
}

describe('a push whose origin dies', () => {
  test.each(pushSteps.beforeAnswer)(
    '%s is not acknowledged, leaves nothing half-written, and succeeds when it is repeated',
    async (step) => {
      const content = contentFor(step)
      await startDying(step)
      await takeAway()
      await expect(push(content)).rejects.toMatchObject({ code: expect.any(String) })
      expect(await ring.ended(taker)).toMatchObject({ signal: 'SIGKILL' })
      for (const id of others) expect(await inAnswer(id, content)).not.toBe('wrong')
      await bringBack()
      expect(await inBackend(content)).toBe('none')
      await restart()
      expect(await inAnswer(taker, content)).not.toBe('wrong')
      await push(content)
      await arrives(content)
    },
  )

  test.each(pushSteps.afterAnswer)(
    '%s is acknowledged, served by the others meanwhile, and in the backend after the restart',
    async (step) => {
      const content = contentFor(step)
      await startDying(step)
      await takeAway()
      await push(content)
      await bringBack()
      expect(await ring.ended(taker)).toMatchObject({ signal: 'SIGKILL' })
      expect(await inBackend(content)).not.toBe('wrong')
      await takeAway()
      for (const id of others) expect(await inAnswer(id, content)).toBe('whole')
      await bringBack()
      await restart()
      await arrives(content)
    },
  )
})
