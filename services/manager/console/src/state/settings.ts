import type { Values } from '../pure/setting-fields.ts'
import { get, isFault, part, send } from './api.ts'
import type { FilledSlot, Version } from './steer.ts'

export interface SlotName {
  readonly scope: string
  readonly kind: string
}

export const slotPath = ({ scope, kind }: SlotName): string => `/api/v1/settings/scopes/${part(scope)}/${part(kind)}`

/** The settings of a scope as they are now. */
export interface Current {
  /** Absent: nobody has set any. */
  readonly slot?: FilledSlot
  /** For a change that is based on it. */
  readonly tag?: string | undefined
  /** What is wanted there, but for a roll-out that is under way. */
  readonly values: Values
}

/** Settings that nobody has set are none. @throws Fault */
export async function readSlot(name: SlotName, signal: AbortSignal): Promise<Current> {
  try {
    const { value: slot, tag } = await send<FilledSlot>('GET', slotPath(name), { signal })
    if (slot.wanted === slot.latest) return { slot, tag, values: slot.values }
    if (slot.wanted === undefined) return { slot, tag, values: {} }
    const { values } = await get<Version>(`/api/v1/settings/versions/${slot.wanted}`, {}, signal)
    return { slot, tag, values }
  } catch (err) {
    if (isFault(err) && err.code === 'SETTINGS_UNKNOWN') return { values: {} }
    throw err
  }
}

export interface Setting {
  readonly values: Values
  readonly reason: string
  readonly rollout?: object
}

/** Makes a new version. @throws Fault */
export const saveSlot = async (name: SlotName, { tag }: Current, body: Setting): Promise<FilledSlot> =>
  (await send<FilledSlot>('PUT', slotPath(name), { body, seen: tag })).value
