/**
 * What clients of registries send, in the order in which they send it, and what they cannot do without in the answers: traced
 * with the clients themselves, or read in their source.
 */

/** A part of the content of a trace. */
export type TracePart = 'layer' | 'config' | 'manifest' | 'empty' | 'signature' | 'artifact' | 'index' | 'cache'

/** One request. `{name}`, `{layer}`, `{layer.size}` and so on stand for what the scene has (`trace-scene.ts`). */
export interface TraceStep {
  /** Method and target; a target without a slash in front is one of the repository. */
  readonly send: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: TracePart
  readonly chunked?: boolean
  readonly status: number
  /** Headers of the answer that the client reads. */
  readonly needs?: Readonly<Record<string, string>>
  /** The body of the answer: a part, or its bytes from `start` to before `end`. */
  readonly gives?: TracePart | readonly [part: TracePart, start: number, end: number | undefined]
}

export interface ClientTrace {
  readonly client: string
  /** Go with every request. */
  readonly headers?: Readonly<Record<string, string>>
  readonly push: readonly TraceStep[]
  readonly pull: readonly TraceStep[]
}

const OCI = 'application/vnd.oci.image'
const DOCKER = 'application/vnd.docker.distribution.manifest'
const octets = { 'content-type': 'application/octet-stream' }
const gzip = { 'accept-encoding': 'gzip' }
const parts = {
  docker: `${DOCKER}.list.v2+json, ${OCI}.index.v1+json, ${DOCKER}.v1+prettyjws, application/json, ${OCI}.manifest.v1+json, ${DOCKER}.v2+json`,
  containerd: `${DOCKER}.v2+json, ${DOCKER}.list.v2+json, ${OCI}.manifest.v1+json, ${OCI}.index.v1+json, */*`,
  containers: `${OCI}.manifest.v1+json, ${DOCKER}.v2+json, ${DOCKER}.v1+prettyjws, ${DOCKER}.v1+json, ${DOCKER}.list.v2+json, ${OCI}.index.v1+json`,
}
const accept = (client: keyof typeof parts) => ({ accept: parts[client] })

type More = Partial<Omit<TraceStep, 'send' | 'status'>>
const step = (send: string, status: number, more: More = {}): TraceStep => ({ send, status, ...more })

const ping = step('GET /v2/', 200, { needs: { 'docker-distribution-api-version': 'registry/2.0' } })
/** What is read of a manifest; oras and containerd refuse or ask again without one of them. */
const factsOf = (part: TracePart) => ({
  'content-type': `{${part}.type}`,
  'content-length': `{${part}.size}`,
  'docker-content-digest': `{${part}}`,
})
const headManifest = (reference: string, more: More = {}, part: TracePart = 'manifest') =>
  step(`HEAD manifests/${reference}`, 200, { needs: factsOf(part), ...more })
const getManifest = (reference: string, more: More = {}, part: TracePart = 'manifest') =>
  step(`GET manifests/${reference}`, 200, { needs: factsOf(part), gives: part, ...more })
const getBlob = (part: TracePart, more: More = {}, query = '') =>
  step(`GET blobs/{${part}}${query}`, 200, { needs: { 'content-length': `{${part}.size}` }, gives: part, ...more })
const range = (part: TracePart, start: number, end?: number): TraceStep =>
  step(`GET blobs/{${part}}`, 206, {
    headers: { range: `bytes=${start}-${end === undefined ? '' : end - 1}` },
    needs: { 'content-range': `bytes ${start}-${end === undefined ? `{${part}.last}` : end - 1}/{${part}.size}` },
    gives: [part, start, end],
  })

const absent = (part: TracePart) => step(`HEAD blobs/{${part}}`, 404)
const present = (part: TracePart) =>
  step(`HEAD blobs/{${part}}`, 200, {
    needs: { 'content-length': `{${part}.size}`, 'docker-content-digest': `{${part}}` },
  })
const begun = { range: '0-0', 'docker-upload-uuid': '{any}', location: '{any}', 'content-length': '0' }
const begin = step('POST blobs/uploads/', 202, { needs: begun })
const whole = (part: TracePart, more: More = {}) =>
  step(`PUT {location}&digest={${part}.escaped}`, 201, {
    ...{ body: part, headers: octets, needs: { location: '{any}', 'docker-content-digest': `{${part}}` } },
    ...more,
  })
const patch = (part: TracePart, more: More = {}) =>
  step('PATCH {location}', 202, { body: part, needs: { range: `0-{${part}.last}`, location: '{any}' }, ...more })
const close = (part: TracePart, more: More = {}) => step(`PUT {location}&digest={${part}.escaped}`, 201, more)
const mount = (part: TracePart, status: 201 | 202, from?: string) =>
  step(`POST blobs/uploads/?${from === undefined ? '' : `from=${from}&`}mount={${part}.escaped}`, status, {
    needs: status === 201 ? { location: `/v2/{name}/blobs/{${part}}` } : begun,
  })
const putManifest = (reference: string, part: TracePart = 'manifest', needs = {}) =>
  step(`PUT manifests/${reference}`, 201, {
    body: part,
    headers: { 'content-type': `{${part}.type}` },
    needs: { 'docker-content-digest': `{${part}}`, location: `/v2/{name}/manifests/{${part}}`, ...needs },
  })

const ns = '?ns={registry}'
const containerdPull = [
  headManifest(`t1${ns}`, { headers: accept('containerd') }),
  // What it does where the digest or the length is missing.
  getManifest(`t1${ns}`, { headers: accept('containerd') }),
  getManifest(`{manifest}${ns}`, { headers: { accept: '{manifest.type}, */*', ...gzip } }),
  getBlob('config', { headers: gzip }, ns),
  getBlob('layer', { headers: { 'accept-encoding': 'zstd;q=1.0, gzip;q=0.8, deflate;q=0.5' } }, ns),
  // From 2.1 on in parallel; and after a cut.
  range('layer', 0, 1000),
  range('layer', 1000, 2000),
  range('layer', 500),
]
const containerdBlob = (part: TracePart) => [absent(part), begin, whole(part)]
const ggcrBlob = (part: TracePart) => [
  absent(part),
  step('POST blobs/uploads/', 202, { headers: { 'content-type': 'application/json' }, needs: begun }),
  patch(part, { headers: octets }),
  close(part, { headers: octets }),
]
const orasBlob = (part: TracePart) => [absent(part), begin, whole(part), present(part)]
const list = (...digests: readonly string[]) => ({
  'content-type': `${OCI}.index.v1+json`,
  '{list}': digests.join(' '),
})

export const clientTraces: readonly ClientTrace[] = [
  {
    client: 'docker 20.10',
    headers: { 'user-agent': 'docker/20.10.24 go/go1.19', connection: 'close' },
    push: [
      ping,
      absent('layer'),
      mount('layer', 202, '{nowhere}'),
      patch('layer', { chunked: true }),
      close('layer'),
      present('layer'),
      begin,
      patch('config', { chunked: true }),
      close('config'),
      present('config'),
      putManifest('t1'),
    ],
    pull: [
      ping,
      headManifest('t1', { headers: accept('docker') }),
      getManifest('{manifest}', { headers: accept('docker') }),
      getBlob('config', { headers: gzip }),
      getBlob('layer', { headers: gzip }),
      range('layer', 700),
      step('GET manifests/none', 404, { headers: accept('docker') }),
    ],
  },
  {
    client: 'docker 26 with the store of containerd',
    headers: {
      'user-agent': 'docker/26.1.5 containerd-client/1.7.24',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
    push: [
      absent('layer'),
      mount('layer', 201, '{other}'),
      ...containerdBlob('config'),
      step('HEAD manifests/t1', 404, { headers: accept('containerd') }),
      putManifest('t1'),
    ],
    pull: containerdPull,
  },
  {
    client: 'containerd, and nerdctl and the kubelet with it',
    headers: { 'user-agent': 'containerd/2.1.0' },
    push: [
      ...containerdBlob('layer'),
      ...containerdBlob('config'),
      step('HEAD manifests/t1', 404, { headers: accept('containerd') }),
      putManifest('t1'),
      // What is there is not pushed again.
      headManifest('t1', { headers: accept('containerd') }),
      present('layer'),
    ],
    pull: containerdPull,
  },
  {
    client: 'BuildKit: provenance, and a cache of layers',
    headers: { 'user-agent': 'buildkit/v0.13' },
    push: [
      ...['layer', 'config', 'empty', 'signature'].flatMap((part) => containerdBlob(part as TracePart)),
      putManifest('{manifest}'),
      putManifest('{artifact}', 'artifact', { 'oci-subject': '{manifest}' }),
      putManifest('t1', 'index'),
      putManifest('cache', 'cache'),
    ],
    pull: [
      headManifest(`t1${ns}`, { headers: accept('containerd') }, 'index'),
      getManifest(`{index}${ns}`, { headers: accept('containerd') }, 'index'),
      getManifest(`{artifact}${ns}`, {}, 'artifact'),
      getManifest('cache', {}, 'cache'),
    ],
  },
  {
    client: 'skopeo, podman, buildah and CRI-O',
    headers: {
      'user-agent': 'containers/5.23.1',
      'docker-distribution-api-version': 'registry/2.0',
      connection: 'close',
    },
    push: [
      ping,
      absent('layer'),
      absent('layer'),
      // An upload that it did not ask for is taken back.
      mount('layer', 202, '{nowhere}'),
      step('DELETE {location}', 204),
      step('HEAD /v2/{other}/blobs/{layer}', 200),
      mount('layer', 201, '{other}'),
      absent('config'),
      begin,
      patch('config', { headers: octets }),
      close('config'),
      putManifest('{manifest}'),
      // `--all` pushes the members by digest, and the index by tag; zstd learns the digest only at the end.
      begin,
      patch('empty', { headers: octets, chunked: true }),
      close('empty'),
      begin,
      patch('signature', { headers: octets, chunked: true }),
      close('signature'),
      putManifest('{artifact}', 'artifact'),
      putManifest('all', 'index'),
      putManifest('t1'),
    ],
    pull: [
      ping,
      getManifest('t1', { headers: accept('containers') }),
      getManifest('{manifest}', { headers: accept('containers') }),
      getBlob('config', { headers: gzip }),
      getBlob('layer', { headers: gzip }),
      range('layer', 700),
      step('GET manifests/{manifest.tag}.sig', 404, { headers: accept('containers') }),
      step('GET tags/list', 200, { needs: { '{tags}': 'all t1' } }),
      getManifest('all', { headers: accept('containers') }, 'index'),
    ],
  },
  {
    client: 'oras',
    headers: { 'user-agent': 'oras/1.2.0' },
    push: [
      step('HEAD manifests/{manifest}', 404),
      ...['layer', 'config', 'empty', 'signature'].flatMap((part) => orasBlob(part as TracePart)),
      putManifest('t1'),
      headManifest('{manifest}'),
      putManifest('{artifact}', 'artifact', { 'oci-subject': '{manifest}' }),
    ],
    pull: [
      step('GET referrers/{zeros}', 200, { needs: list() }),
      step('GET referrers/{manifest}', 200, { needs: list('{artifact}') }),
      step('GET referrers/{manifest}?artifactType={artifact.kind}', 200, {
        needs: { ...list('{artifact}'), 'oci-filters-applied': 'artifactType' },
      }),
      step('GET referrers/{artifact}', 200, { needs: list() }),
      headManifest('t1', { headers: { accept: parts.containers } }),
      getManifest('{manifest}', { headers: { accept: '{manifest.type}' } }),
      getBlob('layer', { needs: { 'content-length': '{layer.size}', 'accept-ranges': 'bytes' } }),
      range('layer', 10, 20),
    ],
  },
  {
    client: 'helm',
    headers: { 'user-agent': 'Helm/3.14.0' },
    push: [...orasBlob('layer'), ...orasBlob('config'), putManifest('1.0.0_build1'), putManifest('0.9.0')],
    pull: [
      step('GET tags/list', 200, { needs: { '{tags}': '0.9.0 1.0.0_build1' } }),
      step('GET tags/list?n=1', 200, {
        needs: { '{tags}': '0.9.0', link: '</v2/{name}/tags/list?last=0.9.0&n=1>; rel="next"' },
      }),
      step('GET tags/list?n=1&last=0.9.0', 200, { needs: { '{tags}': '1.0.0_build1' } }),
      headManifest('1.0.0_build1'),
      getManifest('{manifest}'),
      getBlob('layer'),
    ],
  },
  {
    client: 'cosign',
    headers: { 'user-agent': 'cosign/v2.5.0 go-containerregistry/v0.20' },
    push: [
      ping,
      ...['layer', 'config', 'empty', 'signature'].flatMap((part) => ggcrBlob(part as TracePart)),
      putManifest('t1'),
      ping,
      step('GET manifests/{manifest.tag}.sig', 404),
      putManifest('{manifest.tag}.sig', 'artifact', { 'oci-subject': '{manifest}' }),
      step('GET referrers/{manifest}', 200, { needs: list('{artifact}') }),
    ],
    pull: [
      ping,
      getManifest('{manifest.tag}.sig', {}, 'artifact'),
      step('GET referrers/{manifest}', 200, { needs: list('{artifact}') }),
      getBlob('signature'),
    ],
  },
  {
    client: 'crane, ko and kaniko',
    headers: { 'user-agent': 'crane/v0.19 go-containerregistry/v0.19' },
    push: [
      ping,
      // May one push here?
      step('POST blobs/uploads/', 202, { headers: { 'content-type': 'application/json' } }),
      step('DELETE {location}', 204),
      absent('layer'),
      mount('layer', 201, '{other}'),
      ...ggcrBlob('config'),
      step('HEAD manifests/{manifest}', 404),
      putManifest('t1'),
    ],
    pull: [
      ping,
      headManifest('t1', { headers: accept('docker') }),
      getManifest('t1', { headers: accept('docker') }),
      getBlob('config'),
      getBlob('layer'),
      step('GET /v2/_catalog?n=1000', 200),
    ],
  },
  {
    client: 'regctl',
    headers: { 'user-agent': 'regclient/regctl (v0.8.0)' },
    push: [
      // Without `from`: the layer is in another repository.
      mount('layer', 201),
      mount('config', 202),
      step('PATCH {location}', 416, { body: 'config', headers: { ...octets, 'content-range': '10-{config.upto10}' } }),
      step('GET {location}', 204, { needs: { range: '0-0', location: '{any}' } }),
      patch('config', { headers: { ...octets, 'content-range': '0-{config.last}' } }),
      // Older ones say a range of their empty end.
      close('config', { headers: { ...octets, 'content-range': '{config.size}-{config.size}' } }),
      putManifest('t1'),
      putManifest('t2'),
      step('DELETE manifests/t2', 202),
    ],
    pull: [
      headManifest('t1'),
      getManifest('{manifest}'),
      step('GET tags/list?last=t1', 200, { needs: { '{tags}': '' } }),
      step('HEAD manifests/t2', 404),
      getBlob('layer'),
      step('GET referrers/{manifest}', 200, { needs: list() }),
    ],
  },
  {
    client: 'nydusd, and readers of eStargz and zstd:chunked',
    push: [...containerdBlob('layer'), ...containerdBlob('config'), putManifest('t1')],
    pull: [
      present('layer'),
      range('layer', 0, 2),
      range('layer', 100, 1100),
      range('layer', 0),
      // Of several ranges never one alone.
      step('GET blobs/{layer}', 206, {
        headers: { range: 'bytes=0-1,100-199,300-' },
        needs: { 'content-type': '{multipart}', 'content-length': '{any}' },
      }),
      step('GET blobs/{layer}', 416, {
        headers: { range: 'bytes={layer.size}-' },
        needs: { 'content-range': 'bytes */{layer.size}' },
      }),
    ],
  },
]
