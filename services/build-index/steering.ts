import { type SettingsPolls, type SettingsPollsComponents, settingsPolls } from '../../lib/joining/index.ts'
import { serviceFacts } from '../../lib/service/index.ts'
import type { BuildIndexConfig } from './config.ts'
import { type BuildIndexLiveParts, buildIndexLive } from './live.ts'

/** What this build-index obeys of what a manager has given to the trackers. */
export function buildIndexSteering(
  parts: BuildIndexLiveParts & Omit<SettingsPollsComponents, 'live'>,
  config: BuildIndexConfig,
): SettingsPolls {
  const { folder, member = config.manager?.member ?? serviceFacts('buildIndex').name } = config
  return settingsPolls(
    { ...parts, live: buildIndexLive(parts, config) },
    { ...config, kind: 'build-index', member, folder },
  )
}
