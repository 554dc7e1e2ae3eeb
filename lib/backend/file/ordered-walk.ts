import type { Dir, Dirent } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../../base/index.ts'
import { readName } from './layout.ts'

/** Number of names of one folder in memory at a time. */
const BATCH = 1024

export interface WalkInit {
  readonly prefix: string
  /** Gives only keys that sort after this one. */
  readonly after: string
}

interface Entry {
  /** The full key of an object; for a folder, the prefix of its keys (it ends in `/`). */
  readonly key: string
  readonly path: string
}

/**
 * Keys under `folder` (whose keys start with `base`) in ascending byte order. A folder sorts as its name followed by
 * `/`, which is the place of its keys among the others: `a`, `a-b`, `a/c`, `ab`. Folders outside the wanted keys are
 * not opened, and of a huge folder only a batch of names is in memory.
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

/** A folder may be pruned during the walk. */
async function openFolder(path: string): Promise<Dir | undefined> {
  try {
    return await opendir(path, { bufferSize: BATCH })
  } catch (err) {
    if (hasCode(err, 'ENOENT')) return undefined
    throw err
  }
}
