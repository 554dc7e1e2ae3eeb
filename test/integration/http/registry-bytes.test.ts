import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { serveRegistry } from '../../contract/registry/serve-registry.ts'
import { FUZZ_MS, fuzzRuns } from '../../kit/fuzz-runs.ts'
import { blob, manifest, REPOSITORY, seededStorage } from '../../property/registry/registry-scene.ts'

const requestOf = (line: string, headers: readonly string[] = [], body = '') =>
  [`${line} HTTP/1.1`, 'host: registry.test', ...headers, '', body].join('\r\n')

const manifestText = Buffer.from(manifest.bytes).toString('latin1')
const good = fc.constantFrom(
  requestOf('GET /v2/'),
  requestOf(`GET /v2/${REPOSITORY}/manifests/t1?ns=`, ['accept: */*', 'accept-encoding: gzip']),
  requestOf(`HEAD /v2/${REPOSITORY}/blobs/${blob.digest}`),
  requestOf(`GET /v2/${REPOSITORY}/blobs/${blob.digest}`, ['range: bytes=10-19', 'connection: close']),
  requestOf(`GET http://registry.test/v2/${REPOSITORY}/tags/list?n=1`),
  requestOf(`POST /v2/${REPOSITORY}/blobs/uploads/?digest=${blob.digest}`, ['content-length: 3'], 'abc'),
  requestOf(`POST /v2/${REPOSITORY}/blobs/uploads/?mount=${blob.digest}`, ['content-length: 0']),
  requestOf(`PATCH /v2/${REPOSITORY}/blobs/uploads/x`, ['transfer-encoding: chunked'], '3\r\nabc\r\n0\r\n\r\n'),
  requestOf(
    `PUT /v2/${REPOSITORY}/manifests/new`,
    [`content-type: ${manifest.mediaType}`, `content-length: ${manifest.bytes.length}`, 'expect: 100-continue'],
    manifestText,
  ),
  requestOf(`DELETE /v2/${REPOSITORY}/manifests/${manifest.digest}`),
)
const bytes = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 6 })
const change = fc.record({
  at: fc.nat(1200),
  cut: fc.nat(4),
  put: fc.oneof(
    bytes,
    fc.constantFrom('\r\n', '\r\n\r\n', ' ', ':', '0', '99999999999', 'chunked', '%2f', 'a'.repeat(20_000)),
  ),
})
const talk = fc.record({
  requests: fc.array(good, { minLength: 1, maxLength: 4 }),
  changes: fc.array(change, { maxLength: 3 }),
  /** Where the writes begin. */
  parts: fc.array(fc.nat(1200), { maxLength: 3 }),
  leaves: fc.constantFrom('ends', 'ends', 'ends', 'breaks'),
})

/** All that the server says until it closes the connection. */
async function told(
  port: number,
  { requests, changes, parts, leaves }: typeof talk extends fc.Arbitrary<infer T> ? T : never,
) {
  const text = changes.reduce(
    (all, { at, cut, put }) => all.slice(0, at) + put + all.slice(at + cut),
    requests.join(''),
  )
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const received: Buffer[] = []
  socket.on('data', (chunk: Buffer) => received.push(chunk)).on('error', () => undefined)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await once(socket, 'connect')
  const bounds = [0, ...parts.map((at) => Math.min(at, text.length)).toSorted((a, b) => a - b), text.length]
  for (const [i, end] of bounds.slice(1).entries()) {
    socket.write(text.slice(bounds[i], end), 'latin1')
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (leaves === 'ends') socket.end()
  else socket.resetAndDestroy()
  await closed
  return Buffer.concat(received).toString('latin1')
}

test(
  'whatever bytes come, in whatever pieces, the registry answers as HTTP, closes, and lives on',
  async () => {
    await using registry = await serveRegistry(await seededStorage())
    const port = Number(new URL(registry.url).port)
    await fc.assert(
      fc.asyncProperty(talk, async (one) => {
        const answers = await told(port, one)
        if (answers !== '') expect(answers).toMatch(/^HTTP\/1\.1 \d{3} /)
        expect(answers.match(/HTTP\/1\.1 500 .*/g)).toBeNull()
        // Every answer has come through the error middleware, which gives it an id.
        const begun = answers.replaceAll('HTTP/1.1 100 Continue\r\n\r\n', '').match(/HTTP\/1\.1 \d{3} /g)?.length ?? 0
        expect(answers.match(/\r\nx-request-id: /g)?.length ?? 0).toBe(begun)
        expect((await fetch(`${registry.url}/v2/`)).status).toBe(200)
      }),
      fuzzRuns('bytes', 300, 0.05),
    )
  },
  FUZZ_MS,
)
