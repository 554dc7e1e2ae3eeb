import { createHash } from 'node:crypto'
import type { Volume } from '../medium.ts'

export interface VolumeRoom {
  readonly volume: Volume
  /** Bytes that may still be written to it. */
  readonly bytes: number
}

const UNIT = 2 ** 48

/** A number in (0, 1) that is the same for the same pair everywhere. */
function chance(key: string, volume: Volume): number {
  const hash = createHash('sha256').update(`${volume}\0${key}`).digest()
  return (hash.readUIntBE(0, 6) + 0.5) / UNIT
}

/**
 * Where something new goes, by weighted rendezvous: the volume with the highest `-room / ln(chance(key, volume))`. So
 * each gets a share that follows its room, the same key goes to the same volume while the room is about the same, and a
 * full one gets nothing unless all are full. Undefined without volumes.
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
