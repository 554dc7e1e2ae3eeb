import { percentile } from './measure.ts'
import type { StoreCounts } from './paced-objects.ts'
import { type PublishedCell, type PullMode, published } from './published.ts'

/** All pods of one number start at once from one fresh image. */
export interface PodsRun {
  readonly pods: number
  readonly image: string
  readonly mode: PullMode
  /** Of the image as it was pulled, scaled down. */
  readonly bytes: number
  /** Milliseconds from the beginning until each pod was ready. */
  readonly readyMs: readonly number[]
  readonly counts: StoreCounts
  /** Milliseconds of the slowest of as many clients of the store, without shoal; undefined where it was not measured. */
  readonly directMs: number | undefined
}

export const podsColumns = ['image', 'pods', 'pull', 'figure', 'published', 'shoal', 'must reach'] as const

type Row = readonly (string | number)[]

const MIB = 1024 ** 2
const GIB = 1024 ** 3

function cellOf({ image, pods }: PodsRun): PublishedCell | undefined {
  const at = published.pods.indexOf(pods)
  return published.images.find(({ name }) => name === image)?.cells[at]
}

/** Seconds until the store has given the image to all pods, one copy each, at its rate. */
export const directSeconds = ({ pods, bytes }: Pick<PodsRun, 'pods' | 'bytes'>, storeBytesPerSecond: number) =>
  (pods * bytes) / storeBytesPerSecond

/**
 * The rows of one run, under `podsColumns`. Sizes and rates of the store are shown as they would be unscaled, `factor` times
 * what was measured; times are as measured, since sizes and rates are scaled alike.
 */
export function podsRows(run: PodsRun, factor: number): readonly Row[] {
  const { image, pods, mode, readyMs, counts, directMs } = run
  const cell = cellOf(run)
  const isWhole = mode === 'oci'
  const storeRate = published.registryBytesPerSecond / factor
  const ready = (rank: number) => (percentile(readyMs, rank) / 1000).toFixed(1)
  const bound = (value: number | undefined) => (value === undefined ? '' : `<= ${value}`)
  const start = cell?.startSeconds[mode]
  const of = (value: number | undefined) => (isWhole ? (value ?? '') : '')
  const row = (figure: string, value: string, theirs: number | string = '', must = ''): Row => [
    ...[image, pods, mode, figure],
    ...[theirs, value, must],
  ]
  const direct =
    directMs === undefined
      ? row('no swarm, computed: all pods have it, s', directSeconds(run, storeRate).toFixed(1), cell?.directSeconds)
      : row('no swarm, measured: all pods have it, s', (directMs / 1000).toFixed(1), cell?.directSeconds)
  return [
    row('start to ready p50, s', ready(50)),
    row('start to ready p99, s', ready(99), start, bound(start)),
    ...(isWhole ? [direct] : []),
    row(
      "the store's peak within 1 s, MiB/s",
      ((counts.peak * factor) / MIB).toFixed(0),
      of(cell?.peakMiB),
      isWhole ? bound(cell?.peakMiB) : '',
    ),
    row(
      "the store's sum, GiB",
      ((counts.sentBytes * factor) / GIB).toFixed(2),
      of(cell?.sumGiB),
      isWhole ? bound(cell?.sumGiB) : '',
    ),
    row("the store's sum, copies of the image", (counts.sentBytes / run.bytes).toFixed(2), '', '<= 1'),
  ]
}
