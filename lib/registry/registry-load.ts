import type { Load, LoadedRequest } from '../http/index.ts'

/** Requests that move the bytes of a blob, or bring any body; all others are short. */
export function registryLoad({ method, path, hasBody }: LoadedRequest): Load | undefined {
  if (hasBody) return 'uploads'
  return method === 'GET' && path.includes('/blobs/') && !path.includes('/blobs/uploads/') ? 'downloads' : undefined
}
