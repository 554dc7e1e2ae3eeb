import type { PeerId } from '../../lib/core/index.ts'
import { type SettingsPolls, type SettingsPollsComponents, settingsPolls } from '../../lib/joining/index.ts'
import type { OriginConfig } from './config.ts'
import { type OriginLiveParts, originLive } from './live.ts'

/** What this origin obeys of what a manager has given to the trackers; it announces itself by `peerId`. */
export function originSteering(
  parts: OriginLiveParts & Omit<SettingsPollsComponents, 'live'>,
  config: OriginConfig & { readonly peerId: PeerId },
): SettingsPolls {
  const { store, folder } = config
  return settingsPolls(
    { ...parts, live: originLive(parts, config) },
    { ...config, kind: 'origin', folder: store.volumes[0] ?? folder },
  )
}
