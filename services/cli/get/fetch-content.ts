import { type AbortOptions, type Clock, hasCode, type ProcessHost, systemRandom } from '../../../lib/base/index.ts'
import { type Digest, digestAlgorithm } from '../../../lib/core/index.ts'
import type { Asked } from './asked-for.ts'
import { withClients } from './clients.ts'
import { ContentSource, type OpenContent } from './content-source.ts'
import { fileSink, type Sink, streamSink } from './sinks.ts'
import { steadyRead } from './steady-read.ts'
import { askedSources, type WatchComponents, watch } from './watch.ts'

export interface FetchComponents {
  readonly clock: Clock
  readonly host: Pick<ProcessHost, 'output' | 'show'>
}

/**
 * Fetches what is asked for.
 * @throws DIGEST_INVALID, ABORTED, and what the agent answers
 */
export function fetchContent({ clock, host }: FetchComponents, asked: Asked, signal: AbortSignal): Promise<void> {
  return withClients(clock, asked.admin, async ({ http, adminHttp }) => {
    const source = new ContentSource(http, asked.agent, asked.name)
    await using sink = await sinkFor(asked, host)
    const open = await opened(source, asked, sink.here, { signal })
    const digest = open?.digest ?? asked.digest
    const { url } = asked.admin
    const sources: WatchComponents['sources'] = (options) =>
      digest === undefined ? Promise.resolve(undefined) : askedSources(adminHttp, { url, digest }, options)
    if (open !== undefined) {
      const bytes = steadyRead({ source, clock, random: systemRandom() }, open, { signal })
      await carry({ clock, show: host.show, sources }, { bytes, open, sink }, { signal })
    }
    await sink.end(asked.range === undefined ? provable(asked, digest) : undefined)
  })
}

/** A digest can be checked only when it is of the algorithm by which the bytes were hashed as they came. */
const algorithmOf = ({ digest }: Asked) => (digest === undefined ? 'sha256' : digestAlgorithm(digest))

function provable(asked: Asked, told: Digest | undefined): Digest | undefined {
  if (asked.digest !== undefined) return asked.digest
  return told !== undefined && digestAlgorithm(told) === algorithmOf(asked) ? told : undefined
}

function sinkFor(asked: Asked, { output }: Pick<ProcessHost, 'output'>): Promise<Sink> {
  const algorithm = algorithmOf(asked)
  if (asked.output === undefined) return Promise.resolve(streamSink(output, algorithm))
  return fileSink(asked.output, asked.range === undefined ? asked.digest : undefined, algorithm)
}

/** What is still to come; undefined when all is here. */
async function opened(
  source: ContentSource,
  { range }: Asked,
  here: number,
  options: AbortOptions,
): Promise<OpenContent | undefined> {
  if (here === 0) return source.open(range, options)
  try {
    return await source.open(`${here}-`, options)
  } catch (err) {
    if (hasCode(err, 'RANGE_UNSATISFIABLE', 'RANGE_INVALID')) return undefined
    throw err
  }
}

interface Carried {
  readonly bytes: AsyncIterable<Uint8Array>
  readonly open: OpenContent
  readonly sink: Sink
}

/** Brings the bytes to where they go, and shows how far they are. */
async function carry(
  { show, ...watched }: Omit<WatchComponents, 'show' | 'counts'> & Pick<ProcessHost, 'show'>,
  { bytes, open, sink }: Carried,
  options: AbortOptions,
): Promise<void> {
  const total = sink.here + open.end - open.start
  let done = sink.here
  const shown = show && watch({ ...watched, show, counts: () => ({ done, total }) })
  try {
    for await (const chunk of bytes) {
      await sink.take(chunk, options)
      done += chunk.length
    }
  } finally {
    await shown?.[Symbol.asyncDispose]()
  }
}
