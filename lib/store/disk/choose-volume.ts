import { createHash } from 'node:crypto'
import type { Volume } from '../medium.ts'

export interface VolumeRoom {
  readonly volume: Volume
  /** Bytes that can still be written to the volume. */
  readonly bytes: number
}

const UNIT = 2 ** 48

/** A number in (0, 1); the same key and volume always give the same number. */
function chance(key: string, volume: Volume): number {
  const hash = createHash('sha256').update(`${volume}\0${key}`).digest()
  return (hash.readUIntBE(0, 6) + 0.5) / UNIT
}

/**
 * Chooses the volume of a new item by weighted rendezvous: the one with the highest `-room / ln(chance(key, volume))`.
 * So each volume gets a share in proportion to its room, a key keeps its volume while the room changes little, and a
 * full volume gets nothing unless all are full. Undefined without volumes.
 */
export function chooseVolume(key: string, rooms: readonly VolumeRoom[]): Volume | undefined {
  const allFull = rooms.every(({ bytes }) => bytes <= 0)
  let best: { readonly volume: Volume; readonly score: number } | undefined
  for (const { volume, bytes } of rooms) {
    const weight = allFull ? 1 : Math.max(0, bytes)
    const score = -weight / Math.log(chance(key, volume))
    if (best === undefined || score > best.score) best = { volume, score }
  }
  return best?.volume
}
