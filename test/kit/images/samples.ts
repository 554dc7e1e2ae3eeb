import type { ImageSpec } from './image-layout.ts'

const mebibyte = 1 << 20

/** What the runnable samples print. */
export const greeting = 'shoal swims'

const cmd = ['/bin/echo', greeting]

export interface SampleInit {
  /** Size of the large layer; the acceptance size is 200 MB. */
  readonly largeBytes?: number
  /** Different seeds share only the busybox and the empty layer. */
  readonly seed?: string
}

/** A runnable image of four layers: busybox, a small and a large random one, and an empty one between them. */
export function layeredImage({ largeBytes = 20 * mebibyte, seed = 'layered' }: SampleInit = {}): ImageSpec {
  const layers = [
    'busybox',
    { sizeBytes: 100_003, seed: `${seed}-small` },
    'empty',
    { sizeBytes: largeBytes, seed: `${seed}-large` },
  ] as const
  return { layers, cmd }
}

/** Specs for an index of two platforms; the amd64 one runs. */
export function twoPlatforms(seed = 'platforms'): ImageSpec[] {
  return ['amd64', 'arm64'].map((architecture) => ({
    layers: ['busybox', { sizeBytes: mebibyte, seed: `${seed}-${architecture}` }],
    cmd,
    platform: { os: 'linux', architecture },
  }))
}
