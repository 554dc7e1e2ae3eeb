import { writeFile } from 'node:fs/promises'
import { ownerOnly, readSmall, replaceFile } from '../../base/index.ts'
import { PieceMap } from '../../core/index.ts'

/** The basic facts of a partial blob; without them its other files mean nothing. */
export interface PartialMeta {
  readonly map: PieceMap
  /** The boot in which it was last written; undefined when the system did not tell. */
  readonly bootId: string | undefined
}

/** Undefined when the file is missing or unreadable: then the creation of the partial was never finished. */
export async function readPartialMeta(path: string): Promise<PartialMeta | undefined> {
  const parsed = await readJson(path)
  if (typeof parsed !== 'object' || parsed === null || !('length' in parsed) || !('pieceLength' in parsed)) {
    return undefined
  }
  const { length, pieceLength } = parsed
  if (!isSize(length) || !isSize(pieceLength) || pieceLength === 0) return undefined
  const bootId = 'bootId' in parsed && typeof parsed.bootId === 'string' ? parsed.bootId : undefined
  return { map: new PieceMap(length, pieceLength), bootId }
}

async function readJson(path: string): Promise<unknown> {
  const bytes = await readSmall(path)
  try {
    return bytes === undefined ? undefined : JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/**
 * Puts it into a folder that has none. A reader waits for this, and a disk takes 5 to 10 ms for a sync: so there is
 * none. What a power loss takes of a partial blob is fetched again.
 */
export function notePartialMeta(path: string, meta: PartialMeta): Promise<void> {
  return writeFile(path, encode(meta), { flag: 'wx', mode: ownerOnly.file })
}

export function replacePartialMeta(path: string, meta: PartialMeta): Promise<void> {
  return replaceFile(path, encode(meta))
}

function encode({ map, bootId }: PartialMeta): string {
  return JSON.stringify({ length: map.length, pieceLength: map.pieceLength, bootId })
}
