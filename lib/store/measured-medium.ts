import type { Metrics } from '../telemetry/index.ts'
import type { Medium, Volume } from './medium.ts'

/** The same medium, with metrics: whether each volume works, and its free space at the last check. */
export function measuredMedium(metrics: Metrics, medium: Medium): Medium {
  const gauge = (name: string, help: string) => metrics.gauge({ name, help }, ['volume'])
  const up = gauge('shoal_store_volume_up', '1 while the volume of the local store works, 0 when it was left out.')
  const free = gauge('shoal_store_free_bytes', 'Bytes free on the volume when the local store last looked.')

  const freeBytes = async (volume: Volume): Promise<number> => {
    const bytes = await medium.freeBytes(volume)
    if (Number.isFinite(bytes)) free.with({ volume }).set(bytes)
    return bytes
  }

  medium.onLost((volume) => up.with({ volume }).set(0))

  return {
    blobs: medium.blobs,
    partials: medium.partials,
    uploads: medium.uploads,
    volumes: medium.volumes,
    out: medium.out,
    async start() {
      const inventory = await medium.start()
      for (const volume of medium.volumes) up.with({ volume }).set(medium.out.has(volume) ? 0 : 1)
      await Promise.allSettled(medium.volumes.filter((volume) => !medium.out.has(volume)).map(freeBytes))
      return inventory
    },
    stop: () => medium.stop(),
    freeBytes,
    choose: (key) => medium.choose(key),
    keepFree: (bytes) => medium.keepFree?.(bytes),
    onLost: (listener) => medium.onLost(listener),
  }
}
