import { z } from 'zod'
import type { CommonConfig, ListenerConfig } from './config.ts'
import { speechOf } from './listeners.ts'

/** The config key `swarm` of services that take part in swarms. */
export const swarmKeys = z
  .strictObject({
    /** Lets stock BitTorrent clients exchange blobs with the cluster; the same in all services. */
    foreignPeers: z.boolean().default(false),
  })
  .prefault({})

interface SwarmingConfig extends CommonConfig {
  readonly swarm: { readonly foreignPeers: boolean }
  /** Undefined for a tracker, which is no peer. */
  readonly peer?: ListenerConfig
}

/**
 * Stock clients can neither prove `secrets.node` nor show a certificate, so a config that asks for both contradicts itself.
 */
export function checkForeignPeers(config: SwarmingConfig, context: z.core.$RefinementCtx): void {
  if (!config.swarm.foreignPeers) return
  const { accepted, prover } = config.secrets
  const refuse = (message: string) =>
    context.issues.push({ code: 'custom', path: ['swarm', 'foreignPeers'], message, input: true })
  if (prover !== undefined || accepted.some(({ name }) => name === 'node')) {
    refuse('stock BitTorrent clients cannot prove secrets.node; leave out one of the two')
  }
  if (config.peer !== undefined && speechOf(config, config.peer) !== 'plain') {
    refuse('stock BitTorrent clients speak no TLS; set peer.tls to off, or leave this key out')
  }
}
