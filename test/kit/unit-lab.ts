import { buffer } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import type { ByteRange } from '../../lib/core/index.ts'
import { blobKey } from '../../services/origin/blob-keys.ts'
import { type BarredBackend, barredBackend } from './barred-backend.ts'
import { type LabOrigin, type OriginLab, type OriginLabInit, originLab } from './origin-lab.ts'
import { blob, content, UNIT } from './unit-blob.ts'

/** Origins that read `unit-blob` from a backend in units. Its reads beyond those that `bar` lets through wait. */
export interface UnitLab extends OriginLab {
  readonly barred: BarredBackend
  /** The first owner of the blob. */
  readonly first: LabOrigin
}

/** `bytes` are what the backend has in place of the blob. */
export async function unitLab(init: Partial<OriginLabInit> = {}, bytes = content.bytes): Promise<UnitLab> {
  let barred: BarredBackend | undefined
  const wrapBackend: OriginLabInit['wrapBackend'] = (backend) => {
    barred = barredBackend(backend)
    return barred.backend
  }
  const lab = originLab({ count: 1, replicas: 1, unitBytes: UNIT, wrapBackend, ...init })
  for (const { store } of lab.origins) await store.start()
  await lab.inner.write(blobKey(content.digest), bytes, { size: bytes.length })
  const [owner] = lab.origins[0]!.cluster.owners(content.digest)
  return { ...lab, barred: barred!, first: lab.origin(owner!.id) }
}

/** Reads a range as a client does; whether the bytes are right. */
export async function readsRange({ ingest }: LabOrigin, range: ByteRange, standsAlone = true): Promise<boolean> {
  const { read } = await ingest.open(blob, { hop: false })
  const got = await buffer(await read(range, { standsAlone }))
  return got.equals(content.bytes.subarray(range.start, range.end))
}

/** Turns of the event loop that are enough for anything that can go on. */
export async function manyTurns(): Promise<void> {
  for (let round = 0; round < 200; round += 1) await setImmediate()
}
