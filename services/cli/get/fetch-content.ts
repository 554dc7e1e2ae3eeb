import {
  type AbortOptions,
  appError,
  type Clock,
  hasCode,
  type ProcessHost,
  systemRandom,
} from '../../../lib/base/index.ts'
import { type Digest, digestAlgorithm } from '../../../lib/core/index.ts'
import { sizeText } from '../admin/sheet.ts'
import type { Asked } from './asked-for.ts'
import { withClients } from './clients.ts'
import { ContentSource, type OpenContent } from './content-source.ts'
import { fileSink, type KeptPart, partOf, partOfUrl, type Sink, streamSink } from './sinks.ts'
import { steadyRead } from './steady-read.ts'
import { askedSources, type WatchComponents, watch } from './watch.ts'

export interface FetchComponents {
  readonly clock: Clock
  readonly host: Pick<ProcessHost, 'output' | 'show' | 'complain'>
}

/**
 * Fetches what is asked for.
 * @throws DIGEST_INVALID, ABORTED, and what the agent answers
 */
export function fetchContent({ clock, host }: FetchComponents, asked: Asked, signal: AbortSignal): Promise<void> {
  return withClients(clock, asked.admin, async ({ http, adminHttp }) => {
    const source = new ContentSource(http, asked.agent, asked.name)
    const first = isFoundByTag(asked) ? await source.open(undefined, { signal }) : undefined
    try {
      await using sink = await sinkFor(asked, host, { tag: source.tag, digest: first?.digest })
      if (sink.anew !== undefined && sink.anew > 0) host.complain(anewText(sink.anew))
      const open = await opened(source, { asked, first, here: sink.here }, { signal })
      const told = first?.digest ?? open?.digest
      assertStillThat(asked, told)
      const digest = told ?? asked.digest
      const { url } = asked.admin
      const sources: WatchComponents['sources'] = (options) =>
        digest === undefined ? Promise.resolve(undefined) : askedSources(adminHttp, { url, digest }, options)
      if (open !== undefined) {
        const bytes = steadyRead({ source, clock, random: systemRandom() }, open, { signal })
        await carry({ clock, show: host.show, sources }, { bytes, open, sink }, { signal })
      }
      await sink.end(asked.range === undefined ? provable(asked, digest) : undefined)
    } finally {
      first?.body.destroy()
    }
  })
}

/**
 * What an earlier run has left of a URL is found by what the URL stands for now, which only its answer tells: so it is
 * opened before the file.
 */
const isFoundByTag = ({ name, digest, range, output }: Asked) =>
  'url' in name && digest === undefined && range === undefined && output !== undefined

const anewText = (bytes: number) =>
  `shoal get: an earlier run has left ${sizeText(bytes)}, but the cluster does not know the digest of this URL yet, so nothing would tell whether they are right: all of it is fetched anew`

/** Nobody waits for the end of other content. @throws DIGEST_INVALID: what an earlier run has left stays */
function assertStillThat({ digest }: Asked, told: Digest | undefined): void {
  if (digest === undefined || told === undefined || told === digest) return
  if (digestAlgorithm(told) !== digestAlgorithm(digest)) return
  throw appError('DIGEST_INVALID', { message: `it is other content now: ${told}` })
}

/** A digest can be checked only when it is of the algorithm by which the bytes were hashed as they came. */
const algorithmOf = ({ digest }: Asked) => (digest === undefined ? 'sha256' : digestAlgorithm(digest))

function provable(asked: Asked, told: Digest | undefined): Digest | undefined {
  if (asked.digest !== undefined) return asked.digest
  return told !== undefined && digestAlgorithm(told) === algorithmOf(asked) ? told : undefined
}

/** What is told of the content of a URL. */
interface Told {
  readonly tag: string | undefined
  readonly digest: Digest | undefined
}

function sinkFor(asked: Asked, { output }: Pick<ProcessHost, 'output'>, told: Told): Promise<Sink> {
  const algorithm = algorithmOf(asked)
  if (asked.output === undefined) return Promise.resolve(streamSink(output, algorithm))
  return fileSink(asked.output, keptPart(asked, told), algorithm)
}

/** A part of the content is not gone on with. */
function keptPart(asked: Asked, { tag, digest }: Told): KeptPart | undefined {
  const { name, range } = asked
  if (range !== undefined) return undefined
  if (asked.digest !== undefined) return partOf(asked.digest)
  if (!('url' in name) || tag === undefined) return undefined
  return partOfUrl(name.url, tag, provable(asked, digest) !== undefined)
}

interface Opening {
  readonly asked: Asked
  /** The whole, if it was opened before. */
  readonly first: OpenContent | undefined
  readonly here: number
}

/** What is still to come; undefined when all is here. */
async function opened(
  source: ContentSource,
  { asked, first, here }: Opening,
  options: AbortOptions,
): Promise<OpenContent | undefined> {
  if (here === 0) return first ?? source.open(asked.range, options)
  first?.body.destroy()
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
