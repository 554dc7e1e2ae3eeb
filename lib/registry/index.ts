export { checkManifest, manifestMediaTypes } from './manifest.ts'
export { memoryRegistryStorage } from './memory-storage.ts'
export { type RegistryInit, registryRoutes } from './routes.ts'
export type {
  Blobs,
  Edits,
  FoundBlob,
  Manifests,
  ManifestWrite,
  Page,
  PageOptions,
  Reference,
  RegistryStorage,
  RepositoryRef,
  Tags,
  UploadKey,
  UploadSession,
  Uploads,
} from './storage.ts'
export type { Traffic } from './traffic.ts'
