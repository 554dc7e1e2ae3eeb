import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { searchPath } from '../clients/requirements.ts'
import { randomChunks } from './random-stream.ts'
import { type TarEntry, tarChunks } from './tar.ts'

/** One file of random bytes, `/random-<seed>`. */
export interface RandomLayer {
  readonly sizeBytes: number
  readonly seed: string | number
}

/** Files of random bytes, `/random-<seed>` each, and what `busybox` has. */
export interface FilesLayer {
  readonly files: readonly RandomLayer[]
}

/**
 * `empty` has no files; `busybox` makes the image runnable with `/bin/busybox` and its links `/bin/sh`, `/bin/cat`, …
 */
export type LayerSpec = RandomLayer | FilesLayer | 'empty' | 'busybox'

/** The uncompressed archive of a layer. */
export function layerChunks(spec: LayerSpec): Iterable<Uint8Array> {
  if (spec === 'empty') return tarChunks([])
  if (spec === 'busybox') return tarChunks(busyboxRoot())
  return tarChunks('files' in spec ? [...busyboxRoot(), ...spec.files.flatMap(randomFile)] : randomFile(spec))
}

function randomFile({ seed, sizeBytes }: RandomLayer): TarEntry[] {
  return [{ type: 'file', name: `random-${seed}`, sizeBytes, content: randomChunks(seed, sizeBytes) }]
}

function busyboxRoot(): TarEntry[] {
  const program = readFileSync(findProgram('busybox'))
  const names = ['sh', 'cat', 'echo', 'ls', 'sha256sum', 'sleep']
  return [
    { type: 'folder', name: 'bin' },
    { type: 'file', name: 'bin/busybox', sizeBytes: program.length, content: [program], executable: true },
    ...names.map((name) => ({ type: 'link', name: `bin/${name}`, target: 'busybox' }) as const),
  ]
}

function findProgram(name: string): string {
  const found = searchPath
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path))
  if (found === undefined) throw new Error(`${name} is not installed; \`npm run test:e2e\` installs it as root`)
  return found
}
