import { appError } from '../base/index.ts'
import type { SpaceInit } from './space.ts'

export const DEFAULT_MIN_FREE_BYTES = 512 * 1024 * 1024

type Given = Pick<SpaceInit, 'capacityBytes'> & { readonly [K in keyof SpaceInit]?: SpaceInit[K] | undefined }

/** `init` with its defaults, checked. @throws CONFIG_INVALID */
export function spaceInit(init: Given): SpaceInit {
  const { capacityBytes, highWatermark = 0.9, lowWatermark = 0.8, minFreeBytes = DEFAULT_MIN_FREE_BYTES } = init
  if (!(capacityBytes > 0) || !(lowWatermark > 0) || !(lowWatermark <= highWatermark) || !(highWatermark <= 1)) {
    throw appError('CONFIG_INVALID', {
      message: 'the store needs a capacity above 0 and 0 < lowWatermark <= highWatermark <= 1',
      detail: { capacityBytes, highWatermark, lowWatermark },
    })
  }
  return { capacityBytes, highWatermark, lowWatermark, minFreeBytes }
}
