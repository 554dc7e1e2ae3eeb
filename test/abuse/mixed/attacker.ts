import type { Socket } from 'node:net'
import type { AbortOptions, Random } from '../../../lib/base/index.ts'
import type { RegistryAnswer, RegistryRequest } from '../../kit/registry-client.ts'
import type { Battlefield, Door } from './battlefield.ts'

/** What an attacker acts with; all that it does through it is counted. */
export interface Attack {
  readonly field: Battlefield
  /** The only source of chance. */
  readonly random: Random
  /** Any of the list. */
  pick<T>(list: readonly T[]): T
  /** Does one act after the other until the signal aborts, with a pause of about `pauseMs` between two. */
  keepOn(pauseMs: number, act: () => Promise<unknown>, options: AbortOptions): Promise<void>
  /** One whole request; undefined when the connection was cut. */
  ask(door: Door, method: string, path: string, request?: RegistryRequest): Promise<RegistryAnswer | undefined>
  /**
   * A connection, which is closed at the end of the attack. Of more than `most` the oldest is closed. What comes is read,
   * and the statuses in it are counted, until the attacker pauses it. Undefined when nobody listens.
   */
  dial(door: Door, most: number): Promise<Socket | undefined>
}

/** Somebody who does harm in one way until told to stop. */
export interface Attacker {
  readonly name: string
  /** Where it calls from: addresses of its own, or also those of honest clients and services, which it must not harm. */
  readonly from: 'elsewhere' | 'anywhere'
  attack(attack: Attack, options: { readonly signal: AbortSignal }): Promise<void>
}
