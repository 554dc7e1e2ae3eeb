/** Label values; they come from closed sets and are never a digest, a peer or a URL. */
export type Labels<L extends string> = Readonly<Record<L, string>>

export interface Counter {
  add(value?: number): void
}

export interface Gauge {
  set(value: number): void
  add(value: number): void
}

export interface Histogram {
  /** `traceId`: the recorded trace in which it was observed, for the exemplar of its bucket. */
  observe(value: number, traceId?: string): void
}

/** A metric with labels; `with` returns the child for one combination, and hot paths should keep that child. */
export interface Family<M, L extends string> {
  with(labels: Labels<L>): M
  /** What these labels stand for is gone: its sample is told no longer. Idempotent; `with` makes it anew. */
  drop(labels: Labels<L>): void
}

export interface MetricInit {
  /** `shoal_<thing>_<unit>[_total]`. */
  readonly name: string
  readonly help: string
}

/** The metrics of one service instance. Asking twice for one name returns the same family. */
export interface Metrics {
  counter<L extends string = never>(init: MetricInit, labels?: readonly L[]): Family<Counter, L>
  gauge<L extends string = never>(init: MetricInit, labels?: readonly L[]): Family<Gauge, L>
  histogram<L extends string = never>(
    init: MetricInit & { readonly buckets: readonly number[] },
    labels?: readonly L[],
  ): Family<Histogram, L>
  /**
   * Prometheus text format with its content type; that of OpenMetrics, with exemplars, where those are kept and `accept`, the
   * header of who asks, has it.
   */
  expose(accept?: string): Promise<{ readonly contentType: string; readonly text: string }>
}
