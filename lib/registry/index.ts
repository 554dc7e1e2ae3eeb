export { registryNamed } from './addressed-registry.ts'
export { emptyStorage } from './empty-storage.ts'
export { imageLayers, type LayerDescriptor } from './image-layers.ts'
export { type ChildManifest, type ImageParts, imageParts } from './image-parts.ts'
export { checkManifest } from './manifest.ts'
export { manifestMediaTypes, type Platform } from './manifest-fields.ts'
export { memoryRegistryStorage } from './memory-storage.ts'
export type { LogIn } from './registry-gate.ts'
export { registryLoad } from './registry-load.ts'
export { parseRegistryPath } from './registry-path.ts'
export { type RegistryInit, registryRoutes } from './routes.ts'
export type {
  AskOptions,
  Blobs,
  Edits,
  FoundBlob,
  Manifests,
  PageOptions,
  Reader,
  Readers,
  ReadManner,
  Reference,
  ReferrerPage,
  Referrers,
  RegistryStorage,
  Tags,
  UploadKey,
  Uploads,
  WritableStorage,
} from './storage.ts'
