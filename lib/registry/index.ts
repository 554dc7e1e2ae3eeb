export { checkManifest, manifestMediaTypes } from './manifest.ts'
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
