import type { ImageSpec } from './image-layout.ts'

const mebibyte = 1 << 20

/** Output of the runnable sample images. */
export const greeting = 'shoal swims'

const cmd = ['/bin/echo', greeting]

export interface SampleInit {
  /** Size of the large layer; the acceptance tests use 200 MB. */
  readonly largeBytes?: number
  /** Images of different seeds share only the busybox layer and the empty layer. */
  readonly seed?: string
}

/** A runnable image of four layers: busybox, a small random layer, an empty one, and a large random one. */
export function layeredImage({ largeBytes = 20 * mebibyte, seed = 'layered' }: SampleInit = {}): ImageSpec {
  const layers = [
    'busybox',
    { sizeBytes: 100_003, seed: `${seed}-small` },
    'empty',
    { sizeBytes: largeBytes, seed: `${seed}-large` },
  ] as const
  return { layers, cmd }
}

/** Specs for an index of two platforms; only the amd64 image can run. */
export function twoPlatforms(seed = 'platforms'): ImageSpec[] {
  return ['amd64', 'arm64'].map((architecture) => ({
    layers: ['busybox', { sizeBytes: mebibyte, seed: `${seed}-${architecture}` }],
    cmd,
    platform: { os: 'linux', architecture },
  }))
}
