/** How an image is pulled: all of it before the start, or as a lazy file system reads it. */
export type PullMode = 'oci' | 'lazy'

/** What a published test says of one image and number of pods. */
export interface PublishedCell {
  /** Seconds from the creation of a pod to its start. */
  readonly startSeconds: Readonly<Record<PullMode, number>>
  /** The same without any distribution: each pod pulls from the registry. */
  readonly directSeconds: number
  /** MiB/s; read off a chart whose averaging is not told. Of whole pulls. */
  readonly peakMiB: number
  /** GiB that left the registry. Of whole pulls. */
  readonly sumGiB: number
}

/**
 * Volcano Engine, 2023-04-13, Dragonfly 2.0.8, with Nydus where lazy: registry of 10 Gbit/s, peers of 6 Gbit/s. Read off
 * charts; the times include unpacking.
 */
export const published = {
  registryBytesPerSecond: 1_250_000_000,
  linkBytesPerSecond: 750_000_000,
  pods: [50, 100, 200, 500],
  images: [
    {
      name: '500 MB',
      bytes: 500_000_000,
      cells: cells({
        oci: [10, 10, 15, 25],
        lazy: [5, 10, 15, 15],
        direct: [35, 65, 135, 1020],
        peak: [18, 16, 13, 14],
        sum: [0.54, 0.71, 0.76, 0.82],
      }),
    },
    {
      name: '3 GB',
      bytes: 3_000_000_000,
      cells: cells({
        oci: [40, 40, 50, 55],
        lazy: [10, 10, 15, 15],
        direct: [260, 1380, 4245, 10_800],
        peak: [61, 73, 78, 111],
        sum: [3.13, 3.22, 3.42, 4.88],
      }),
    },
  ],
}

/** One value for each number of pods. */
type Series = readonly number[]

interface Chart {
  readonly oci: Series
  readonly lazy: Series
  readonly direct: Series
  readonly peak: Series
  readonly sum: Series
}

function cells({ oci, lazy, direct, peak, sum }: Chart): readonly PublishedCell[] {
  const at = (series: Series, i: number) => series[i] ?? Number.NaN
  return oci.map((_, i) => ({
    startSeconds: { oci: at(oci, i), lazy: at(lazy, i) },
    directSeconds: at(direct, i),
    peakMiB: at(peak, i),
    sumGiB: at(sum, i),
  }))
}
