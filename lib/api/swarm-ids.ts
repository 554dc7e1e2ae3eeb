import { z } from 'zod'
import type { SwarmId } from '../core/index.ts'
import { text } from './bounded.ts'

const ID_BYTES = 20

/** Swarm ids as the base64 of their bytes, 27 characters for each instead of 43. */
export function packedSwarmIds(ids: readonly SwarmId[]): string {
  return Buffer.from(ids.join(''), 'hex').toString('base64')
}

/** The schema of packed swarm ids, at most `max` of them. */
export function swarmIdsSchema(max: number) {
  return text(Math.ceil((max * ID_BYTES) / 3) * 4).transform((text, context): readonly SwarmId[] => {
    const bytes = Buffer.from(text, 'base64')
    if (bytes.length % ID_BYTES === 0 && bytes.toString('base64') === text) return idsIn(bytes)
    context.addIssue({ code: 'custom', message: 'swarm ids are the base64 of 20 bytes each' })
    return z.NEVER
  })
}

function idsIn(bytes: Buffer): readonly SwarmId[] {
  const ids: SwarmId[] = []
  for (let at = 0; at < bytes.length; at += ID_BYTES) ids.push(bytes.toString('hex', at, at + ID_BYTES) as SwarmId)
  return ids
}
