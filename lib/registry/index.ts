export { checkManifest, manifestMediaTypes } from './manifest.ts'
export { memoryRegistryStorage } from './memory-storage.ts'
export { registryLoad } from './registry-load.ts'
export { type RegistryInit, registryRoutes } from './routes.ts'
export type {
  Blobs,
  Edits,
  Manifests,
  PageOptions,
  RegistryStorage,
  Tags,
  UploadKey,
  Uploads,
} from './storage.ts'
