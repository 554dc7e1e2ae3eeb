import { type Random, seededRandom } from '../../../lib/base/index.ts'
import { type FixtureImage, imageFixture } from '../../kit/image-fixture.ts'
import { type RegistryClient, registryClient } from '../../kit/registry-client.ts'

/** A running registry under test. */
export interface RunningRegistry extends AsyncDisposable {
  readonly url: string
}

export const REPOSITORY = 'suite/pull'

/** What a registry must have before the pull suite runs: `image` in REPOSITORY under `tags`, sorted. */
export interface PullFixture {
  readonly image: FixtureImage
  readonly tags: readonly string[]
}

export function pullFixture(random: Random = seededRandom(2024)): PullFixture {
  return { image: imageFixture(random, [3000, 70_000, 0]), tags: ['1.0', 'Latest', 'v1', 'v2', 'v3'] }
}

/** Pushes every blob of an image, and its manifest under each tag. */
export async function pushImage(
  client: RegistryClient,
  name: string,
  { config, layers, manifest }: FixtureImage,
  tags: readonly string[] = [manifest.digest],
): Promise<void> {
  for (const { digest, bytes } of [config, ...layers]) await expectStatus(201, client.pushBlob(name, digest, bytes))
  for (const tag of tags) {
    const headers = { 'content-type': manifest.mediaType }
    await expectStatus(201, client.send('PUT', `/v2/${name}/manifests/${tag}`, { headers, body: manifest.bytes }))
  }
}

async function expectStatus(status: number, answer: Promise<{ status: number; body: Buffer }>): Promise<void> {
  const { status: actual, body } = await answer
  if (actual !== status) throw new Error(`expected ${status}, got ${actual}: ${body.toString('utf8')}`)
}

/** A client of the registry that `current` returns once it runs, so that a suite can refer to it before that. */
export function clientOf(current: () => RunningRegistry | undefined): () => RegistryClient {
  return () => {
    const registry = current()
    if (registry === undefined) throw new Error('the registry under test has not started')
    return registryClient(registry.url)
  }
}

/** Names that no other test of the suite uses. */
export function nameSequence(prefix: string): () => string {
  let count = 0
  return () => {
    count += 1
    return `${prefix}${count}`
  }
}
