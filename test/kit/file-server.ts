import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { parseRange, unsatisfiedContentRange } from '../../lib/http/index.ts'
import { type Faults, withFaults } from './http-faults.ts'
import { keptAlive } from './kept-alive.ts'
import { listening } from './listening.ts'

export interface FileServer extends AsyncDisposable {
  readonly url: string
  readonly faults: Faults
  /** Contents by path, without the first `/`. */
  readonly files: Map<string, Uint8Array>
}

/** A web server of files in memory, with ETags and single ranges. */
export async function fileServer(): Promise<FileServer> {
  const files = new Map<string, Uint8Array>()
  const { handler, faults } = withFaults((req, res) => serve(files.get((req.url ?? '').slice(1)), req, res))
  return { ...(await listening(createServer(keptAlive, handler))), faults, files }
}

function serve(file: Uint8Array | undefined, req: IncomingMessage, res: ServerResponse): void {
  if (file === undefined) return void res.writeHead(404).end()
  const etag = `"${createHash('sha256').update(file).digest('hex').slice(0, 16)}"`
  const asked = parseRange(req.headers.range, file.length)
  if (asked.kind === 'unsatisfiable') {
    return void res.writeHead(416, { 'content-range': unsatisfiedContentRange(file.length) }).end()
  }
  const { start, end } = asked.kind === 'single' ? asked.range : { start: 0, end: file.length }
  const part = asked.kind === 'single' ? { 'content-range': `bytes ${start}-${end - 1}/${file.length}` } : {}
  const headers = { etag, 'content-length': end - start, ...part }
  res.writeHead(asked.kind === 'single' ? 206 : 200, headers)
  res.end(req.method === 'HEAD' ? undefined : file.subarray(start, end))
}
