import { z } from 'zod'
import { type Route, sendJson } from '../http/index.ts'
import { adminCall, adminRoute } from './admin.ts'
import { list, opaque, text } from './bounded.ts'
import type { Steered } from './steered.ts'
import { steeringHealthSchema } from './steering-words.ts'

/** Live keys in an answer: far more than there are. */
const MAX_KEYS = 256

const settingsSchema = z.object({
  /** Whoever gave the settings from trackers that run; empty when nobody did. */
  manager: text(255),
  /** That runs; 0 when none does. */
  generation: z.number().int().min(0),
  state: z.enum(['applied', 'failed']),
  /** Why the last ones could not be applied. */
  code: text(64).optional(),
  message: text(200).optional(),
  /** Pulls since. */
  health: steeringHealthSchema,
  settings: list(
    z.object({
      key: text(64),
      /** As its config says. Sizes are in bytes, rates in bytes per second; null stands for no limit. */
      file: opaque(),
      live: opaque(),
      /** `file`, or the manager. */
      by: text(255),
    }),
    MAX_KEYS,
  ),
})
export type SettingsAnswer = z.output<typeof settingsSchema>

/** Part of the admin API of every service that takes settings from trackers. */
export const settingsCalls = {
  settings: adminCall({
    method: 'GET',
    path: '/settings',
    summary: 'the keys that change while it runs: what its config says, what holds now, and who said so',
    answer: settingsSchema,
  }),
}

function settingsAnswer({ status }: Pick<Steered, 'status'>): SettingsAnswer {
  const { manager, runs: generation, state, code, message, health, settings } = status
  const shown = settings.map(({ isSteered, ...setting }) => ({ ...setting, by: isSteered ? manager : 'file' }))
  return { manager, generation, state, code, message, health, settings: shown }
}

export const settingsRoute = (steered: Pick<Steered, 'status'>): Route =>
  adminRoute(settingsCalls.settings, (exchange) => sendJson(exchange, 200, settingsAnswer(steered)))
