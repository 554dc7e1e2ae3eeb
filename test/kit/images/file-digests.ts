import { createHash } from 'node:crypto'
import type { RandomLayer } from './layer.ts'
import { randomChunks } from './random-stream.ts'

/** A command in an image, whose output `readDigests` takes. */
export const digestFiles = ['/bin/sh', '-c', 'cd / && sha256sum random-*'] as const

/** The SHA-256 of each file, by its name, as `digestFiles` printed them. */
export function readDigests(printed: string): Record<string, string> {
  const lines = printed.trim().split('\n')
  return Object.fromEntries(lines.map((line) => line.split(/\s+/).reverse() as [string, string]))
}

/** What `readDigests` must find of an image with these files. */
export function fileDigests(files: readonly RandomLayer[]): Record<string, string> {
  const digest = ({ seed, sizeBytes }: RandomLayer) =>
    createHash('sha256')
      .update(Buffer.concat([...randomChunks(seed, sizeBytes)]))
      .digest('hex')
  return Object.fromEntries(files.map((file) => [`random-${file.seed}`, digest(file)]))
}
