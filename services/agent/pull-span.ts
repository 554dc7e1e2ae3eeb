import type { TracedPull } from '../../lib/api/index.ts'
import { repositoryText } from '../../lib/core/index.ts'
import type { Span, Tracer } from '../../lib/telemetry/index.ts'
import type { PullRequest } from './traced-pull.ts'

/** Peers of one pull that its span tells of, those that gave most. */
const MAX_PEERS_TOLD = 16

/** What a pull adds to the trace of the request that it is for. */
export interface PullSpan {
  readonly span: Span
  /** It is over: tells what it waited for, and who gave how much. Nothing is told for each piece. */
  end(record: TracedPull): void
}

/** The span of one pull, from now on; `startMs` is monotonic. */
export function pullSpan(tracer: Tracer, { kind, repository, reference }: PullRequest, startMs: number): PullSpan {
  const attributes = {
    'shoal.pull.kind': kind,
    'shoal.repository': repositoryText(repository),
    'shoal.reference': reference,
  }
  const span = tracer.begin(kind === 'lookup' ? 'resolve' : 'pull', { attributes, startMs })
  return {
    span,
    end(record) {
      if (!tracer.isOn) return
      const { outcome, bytes, firstByteMs } = record
      span.set({
        'shoal.pull.id': record.id,
        'shoal.digest': record.digest,
        'shoal.pull.outcome': outcome,
        'shoal.pull.class': record.class,
        'shoal.pull.application': record.application,
        'shoal.pull.size': record.size,
        'shoal.pull.bytes.peer': bytes.peer,
        'shoal.pull.bytes.origin': bytes.origin,
        'shoal.pull.bytes.http': bytes.http,
        'shoal.pull.bytes.cache': bytes.cache,
        'shoal.pull.last_step_failed': record.lastStepFailed,
      })
      if (firstByteMs !== undefined) span.event('first byte', {}, startMs + firstByteMs)
      for (const source of byBytes(record.sources).slice(0, MAX_PEERS_TOLD)) span.event('peer', factsOf(source))
      for (const { cause, from, atMs, ms } of record.longest) {
        const about = { 'shoal.wait.cause': cause, 'shoal.peer.address': from?.address, 'shoal.peer.role': from?.role }
        const wait = tracer.begin(`wait: ${cause}`, { under: span, attributes: about, startMs: startMs + atMs })
        wait.end(startMs + atMs + ms)
      }
      if (!['done', 'unread', 'left'].includes(outcome)) span.fail(outcome)
      span.end()
    },
  }
}

const byBytes = (sources: TracedPull['sources']) => sources.toSorted((a, b) => b.bytes - a.bytes)

const factsOf = ({ address, role, name, bytes, late, bytesPerSecond }: TracedPull['sources'][number]) => ({
  'shoal.peer.address': address,
  'shoal.peer.role': role,
  'shoal.peer.name': name,
  'shoal.peer.bytes': bytes,
  'shoal.peer.late': late,
  'shoal.peer.bytes_per_second': bytesPerSecond,
})
