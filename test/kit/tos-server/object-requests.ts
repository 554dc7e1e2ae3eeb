import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { type Bucket, type Condition, type NamedPart, type StoredObject, storedObject } from './bucket.ts'
import { partListing } from './list.ts'
import { TosRefusal } from './tos-refusal.ts'

/** A request with checked signature and body; the key is empty when the request is about the bucket. */
export interface ObjectRequest {
  readonly method: string
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface ObjectWorld {
  readonly bucket: Bucket
  readonly nowMs: number
  readonly ignores: readonly string[]
}

type Answer = (request: ObjectRequest, world: ObjectWorld, res: ServerResponse) => void

/** Answers a request about one object. @throws TosRefusal */
export function answerObjectRequest(request: ObjectRequest, world: ObjectWorld, res: ServerResponse): void {
  const { method, query } = request
  const answer = answers[`${method}${query.has('uploads') ? ' uploads' : ''}${query.has('uploadId') ? ' upload' : ''}`]
  if (answer === undefined) throw new TosRefusal(501, 'UnImplemented')
  answer(request, world, res)
}

const answers: Readonly<Record<string, Answer>> = {
  HEAD: ({ key, headers }, { bucket }, res) => {
    const object = bucket.get(key)
    checkRead(object, headers)
    res.writeHead(200, { ...headersOf(object), 'content-length': object.bytes.length }).end()
  },
  GET: ({ key, headers }, { bucket }, res) => {
    const object = bucket.get(key)
    checkRead(object, headers)
    answerBytes(object, headers.range, res)
  },
  PUT: (request, { bucket, nowMs, ignores }, res) => {
    const object = storedObject(request.body, nowMs)
    bucket.put(request.key, object, conditionOf(request, ignores.includes('put')))
    res.writeHead(200, { ...headersOf(object), 'content-length': 0 }).end()
  },
  DELETE: (request, { bucket, ignores }, res) => {
    bucket.delete(request.key, conditionOf(request, ignores.includes('delete')))
    res.writeHead(204).end()
  },
  'POST uploads': ({ key }, { bucket }, res) => answerJson(res, { Key: key, UploadId: bucket.createUpload(key) }),
  'PUT upload': ({ key, query, body }, { bucket, nowMs }, res) => {
    const part = storedObject(body, nowMs)
    bucket.putPart(key, query.get('uploadId') ?? '', Number(query.get('partNumber')), part)
    res.writeHead(200, { ...headersOf(part), 'content-length': 0 }).end()
  },
  'POST upload': (request, { bucket, nowMs, ignores }, res) => {
    const condition = conditionOf(request, ignores.includes('complete'))
    const id = request.query.get('uploadId') ?? ''
    const object = bucket.complete(request.key, { id, named: partsOf(request.body), nowMs }, condition)
    for (const [name, value] of Object.entries(headersOf(object))) res.setHeader(name, value)
    answerJson(res, { Key: request.key, ETag: object.etag })
  },
  'DELETE upload': ({ key, query }, { bucket }, res) => {
    const id = query.get('uploadId') ?? ''
    bucket.upload(key, id)
    bucket.uploads.delete(id)
    res.writeHead(204).end()
  },
  'GET upload': ({ key, query }, { bucket }, res) => {
    answerJson(res, partListing(bucket, key, query.get('uploadId') ?? ''))
  },
}

function headersOf({ etag, crc64, modifiedMs }: StoredObject) {
  return {
    etag,
    'x-tos-hash-crc64ecma': String(crc64),
    'last-modified': new Date(modifiedMs).toUTCString(),
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
  }
}

function answerBytes(object: StoredObject, range: string | undefined, res: ServerResponse): void {
  const size = object.bytes.length
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? []
  if (from === undefined) {
    res.writeHead(200, { ...headersOf(object), 'content-length': size }).end(object.bytes)
    return
  }
  const start = Number(from)
  const end = Math.min(size, to === '' ? size : Number(to) + 1)
  if (start >= size || end <= start)
    throw new TosRefusal(416, 'InvalidRange', 'The requested range is not satisfiable.')
  const part = { 'content-length': end - start, 'content-range': `bytes ${start}-${end - 1}/${size}` }
  res.writeHead(206, { ...headersOf(object), ...part }).end(object.bytes.subarray(start, end))
}

function checkRead(object: StoredObject, headers: IncomingHttpHeaders): void {
  const wanted = headers['if-match']
  if (wanted !== undefined && wanted !== object.etag) throw new TosRefusal(412, 'PreconditionFailed')
}

function conditionOf({ headers }: ObjectRequest, isIgnored: boolean): Condition {
  if (isIgnored) return { forbidOverwrite: false, ifMatch: undefined }
  const native = headers['x-tos-if-match']
  return {
    forbidOverwrite: headers['x-tos-forbid-overwrite'] === 'true',
    ifMatch: headers['if-match'] ?? (Array.isArray(native) ? native[0] : native),
  }
}

function partsOf(body: Buffer): readonly NamedPart[] {
  try {
    const { Parts } = JSON.parse(body.toString()) as { readonly Parts: readonly NamedPart[] }
    return Parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }))
  } catch {
    throw new TosRefusal(400, 'MalformedBody')
  }
}

function answerJson(res: ServerResponse, value: unknown): void {
  const body = JSON.stringify(value)
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
}
