/**
 * Pushes a small image to the proxy and pulls it through an agent, as clients do. Runs in a pod of `helm test`. Exit code 0
 * when every byte has come back.
 */
import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

const { PROXY, AGENT, NAME, PUSH_SECRET } = process.env
const REPOSITORY = 'shoal/helm-test'
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const TRIES = 30

const digestOf = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const login = PUSH_SECRET ? { authorization: `Basic ${Buffer.from(`helm:${PUSH_SECRET}`).toString('base64')}` } : {}

async function call(url, init = {}) {
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(30_000) })
  if (answer.ok) return answer
  throw new Error(`${init.method ?? 'GET'} ${url}: ${answer.status} ${(await answer.text()).slice(0, 300)}`)
}

async function push(bytes) {
  const begun = await call(`${PROXY}/v2/${REPOSITORY}/blobs/uploads/`, { method: 'POST', headers: login })
  const place = new URL(begun.headers.get('location'), PROXY)
  place.searchParams.set('digest', digestOf(bytes))
  const headers = { ...login, 'content-type': 'application/octet-stream' }
  await call(place, { method: 'PUT', headers, body: bytes })
  return { digest: digestOf(bytes), size: bytes.length }
}

async function pull(path) {
  const url = `${AGENT}/v2/${REPOSITORY}/${path}?ns=${encodeURIComponent(NAME)}`
  return Buffer.from(await (await call(url, { headers: { accept: MANIFEST } })).arrayBuffer())
}

async function roundTrip() {
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', ...(await push(randomBytes(100_000))) }
  const empty = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}')
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', ...(await push(empty)) }
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer] }))
  const headers = { ...login, 'content-type': MANIFEST }
  await call(`${PROXY}/v2/${REPOSITORY}/manifests/test`, { method: 'PUT', headers, body: manifest })
  console.log(`pushed ${PROXY}/${REPOSITORY}:test`)
  const digests = [digestOf(await pull('manifests/test'))]
  for (const { digest } of [config, layer]) digests.push(digestOf(await pull(`blobs/${digest}`)))
  const wanted = [digestOf(manifest), config.digest, layer.digest]
  if (digests.join() !== wanted.join()) throw new Error(`wanted ${wanted}, got ${digests}`)
  console.log(`pulled ${AGENT}/${REPOSITORY}:test, each byte as it was`)
}

// Right after the install, not everybody knows everybody yet.
for (let tries = 1; ; tries += 1) {
  try {
    await roundTrip()
    break
  } catch (err) {
    console.error(`try ${tries}: ${err.message}${err.cause ? ` (${err.cause.message})` : ''}`)
    if (tries === TRIES) process.exit(1)
    await sleep(2000)
  }
}
