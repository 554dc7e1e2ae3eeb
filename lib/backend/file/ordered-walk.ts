import type { Dir, Dirent } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../../base/index.ts'
import { readName } from './layout.ts'

/** Names of one folder held in memory at a time. */
const BATCH = 1024

export interface WalkInit {
  readonly prefix: string
  /** Only keys behind this one. */
  readonly after: string
}

interface Entry {
  /** Complete key of an object; of a folder, what its keys start with (it ends in `/`). */
  readonly key: string
  readonly path: string
}

/**
 * Keys under `folder` (whose keys start with `base`) in ascending byte order. A folder sorts as its name with `/`
 * behind, which is where its keys belong among its neighbours: `a`, `a-b`, `a/c`, `ab`. Folders wholly outside are
 * not opened; of a huge one only a batch of names is held.
 */
export async function* orderedWalk(folder: string, base: string, init: WalkInit): AsyncGenerator<string> {
  for (let behind = ''; ; ) {
    const batch = await smallestEntries(folder, base, init, behind)
    for (const { key, path } of batch) {
      if (key.endsWith('/')) yield* orderedWalk(path, key, init)
      else yield key
    }
    const last = batch.at(-1)
    if (batch.length < BATCH || last === undefined) return
    behind = last.key
  }
}

async function smallestEntries(folder: string, base: string, init: WalkInit, behind: string): Promise<Entry[]> {
  const kept: Entry[] = []
  const cut = () => kept.sort((a, b) => (a.key < b.key ? -1 : 1)).splice(BATCH)
  for await (const entry of entriesOf(folder, base)) {
    if (entry.key <= behind || !mayHold(entry.key, init)) continue
    kept.push(entry)
    if (kept.length >= 2 * BATCH) cut()
  }
  cut()
  return kept
}

function mayHold(key: string, { prefix, after }: WalkInit): boolean {
  if (!key.endsWith('/')) return key.startsWith(prefix) && key > after
  return (key.startsWith(prefix) || prefix.startsWith(key)) && (key > after || after.startsWith(key))
}

async function* entriesOf(folder: string, base: string): AsyncGenerator<Entry> {
  const dir = await openFolder(folder)
  if (dir === undefined) return
  for await (const { name } of dir as AsyncIterable<Dirent>) {
    const { text, kind } = readName(name)
    const path = join(folder, name)
    if (kind === 'cut') yield* entriesOf(path, base + text)
    else yield { key: kind === 'object' ? base + text : `${base}${text}/`, path }
  }
}

/** A folder may be pruned while the walk goes on. */
async function openFolder(path: string): Promise<Dir | undefined> {
  try {
    return await opendir(path, { bufferSize: BATCH })
  } catch (err) {
    if (hasCode(err, 'ENOENT')) return undefined
    throw err
  }
}
