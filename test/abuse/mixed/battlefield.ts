import { type ServiceKind, serviceKinds } from '../../../lib/service/index.ts'
import type { HerdPlan } from '../../../services/herd/index.ts'

/** One listener of one service, by its port on loopback. */
export interface Door {
  readonly id: string
  readonly kind: ServiceKind
  readonly listener: string
  readonly port: number
}

/** A blob that was pushed before the attack. */
export interface KnownBlob {
  readonly repository: string
  readonly digest: string
  readonly size: number
}

/** What attackers know: all that a process needs to be given as JSON. */
export interface Battlefield {
  readonly seed: number
  /** Names of those who attack; all when there are none. */
  readonly only: readonly string[]
  readonly doors: readonly Door[]
  readonly blobs: readonly KnownBlob[]
  readonly secrets: { readonly read: string; readonly push: string; readonly node: string }
}

/** Every listener of every service of the plan. */
export const doorsOf = (plan: HerdPlan): readonly Door[] =>
  serviceKinds.flatMap((kind) =>
    plan[kind].flatMap(({ id, ports }) =>
      Object.entries(ports).map(([listener, port]) => ({ id, kind, listener, port })),
    ),
  )

/** Where images are pulled from, with the path of a blob there. */
export const registries = ({ doors }: Battlefield): readonly Door[] =>
  doors.filter(({ listener }) => listener === 'registry')

export const doorsTo = ({ doors }: Battlefield, kind: ServiceKind, listener: string): readonly Door[] =>
  doors.filter((door) => door.kind === kind && door.listener === listener)

/** Every listener that speaks HTTP. */
export const httpDoors = ({ doors }: Battlefield): readonly Door[] =>
  doors.filter(({ listener }) => listener !== 'peer')

export const pathOf = ({ repository, digest }: KnownBlob): string => `/v2/${repository}/blobs/${digest}`
