import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { appError, hasCode } from '../../lib/base/index.ts'
import { type Exchange, entityTag, type Route, sendBytes, sendEmpty } from '../../lib/http/index.ts'
import { consolePaths } from './console-paths.ts'

/** A page of ours loads nothing from elsewhere, sends nothing there, and stands in no frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
].join('; ')

const GUARDS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Their names have a hash of what is in them. */
const KEPT = 'public, max-age=31536000, immutable'
const ASKED_AGAIN = 'no-cache'

interface File {
  readonly plain: Uint8Array
  readonly zipped: Uint8Array
  readonly type: string
  readonly tag: string
}

type Files = ReadonlyMap<string, File>

const zip = promisify(gzip)

const NOT_BUILT = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>shoal</title></head>
<body><h1>The console is not built</h1>
<p>The manager runs, and its API answers. Run <code>npm run build</code> beside it, and load this page again.</p>
</body></html>
`

async function fileOf(path: string): Promise<File> {
  const plain = await readFile(path)
  return {
    ...{ plain, zipped: await zip(plain) },
    type: types[extname(path)] ?? 'application/octet-stream',
    tag: createHash('sha256').update(plain).digest('hex').slice(0, 32),
  }
}

/** All files of the console by their paths; none when it was never built. They are few and small, so they stay in memory. */
async function filesOf(folder: string): Promise<Files> {
  try {
    const names = await readdir(folder, { recursive: true, withFileTypes: true })
    const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    const read = await Promise.all(
      files.map(async (path) => [path.slice(folder.length).replaceAll('\\', '/'), await fileOf(path)] as const),
    )
    return new Map(read)
  } catch (err) {
    if (hasCode(err, 'ENOENT')) return new Map()
    throw err
  }
}

/** Where `npm run build` puts the console: beside the compiled services, or below the checkout. */
export const consoleFolder = (): string => {
  const above = join(import.meta.dirname, '..', '..')
  return import.meta.filename.endsWith('.ts') ? join(above, 'dist', 'console') : join(above, 'console')
}

function sendFile(exchange: Exchange, { plain, zipped, type, tag }: File, cacheControl: string): void {
  const accepts = /\bgzip\b/.test(exchange.req.headers['accept-encoding'] ?? '')
  const headers = { ...GUARDS, 'cache-control': cacheControl, etag: entityTag(tag), vary: 'accept-encoding' }
  if (exchange.req.headers['if-none-match'] === entityTag(tag)) {
    sendEmpty(exchange, 304, headers)
    return
  }
  sendBytes(exchange, {
    status: 200,
    headers: { ...headers, 'content-type': type, ...(accepts && { 'content-encoding': 'gzip' }) },
    body: accepts ? zipped : plain,
  })
}

/** The console: its pages, which are one file, and what that file loads. Every other path is as unknown as before. */
export function consoleRoutes({ folder }: { readonly folder: string }): readonly Route[] {
  let known: Promise<Files> | undefined
  const files = async (): Promise<Files> => {
    known ??= filesOf(folder)
    const found = await known.catch((err: unknown) => {
      known = undefined
      throw err
    })
    // It may be built while the manager runs.
    if (found.size === 0) known = undefined
    return found
  }
  const page = async (exchange: Exchange) => {
    const index = (await files()).get('/index.html')
    if (index !== undefined) {
      sendFile(exchange, index, ASKED_AGAIN)
      return
    }
    const headers = { ...GUARDS, 'content-type': types['.html'], 'cache-control': 'no-store' }
    sendBytes(exchange, { status: 503, headers, body: Buffer.from(NOT_BUILT) })
  }
  const asset = async (exchange: Exchange) => {
    const file = (await files()).get(exchange.path)
    if (file === undefined) throw appError('NOT_FOUND')
    sendFile(exchange, file, exchange.path.startsWith('/assets/') ? KEPT : ASKED_AGAIN)
  }
  const route = (path: string, summary: string, handle: Route['handle']): Route => ({
    ...{ methods: ['GET', 'HEAD'], path, right: 'none', untraced: true, summary, handle },
  })
  return [
    ...Object.values(consolePaths).map((path) => route(path, 'a page of the console', page)),
    route('/assets/:file', 'what the pages of the console load', asset),
    route('/icon.svg', 'the icon of the console', asset),
  ]
}
