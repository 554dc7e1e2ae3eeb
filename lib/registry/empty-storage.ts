import { appError } from '../base/index.ts'
import type { RegistryStorage } from './storage.ts'

/**
 * A registry without anything in it. Who may not know whether something is there is answered from it, so that the answer is
 * in every byte the one for what is not there.
 */
export const emptyStorage: RegistryStorage = {
  blobs: { find: () => Promise.resolve(undefined) },
  manifests: { resolve: () => Promise.resolve(undefined), read: () => Promise.reject(appError('MANIFEST_UNKNOWN')) },
  tags: {
    list: () => Promise.resolve(undefined),
    repositories: () => Promise.resolve({ items: [], more: false }),
  },
  referrers: { list: () => Promise.resolve({ referrers: [] }) },
}
