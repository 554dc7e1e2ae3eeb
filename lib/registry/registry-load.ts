import type { Load, LoadedRequest } from '../http/index.ts'
import { parseRegistryPath } from './registry-path.ts'

/** Requests that move the bytes of a blob, or bring any body; all others are short. */
export function registryLoad({ method, path, hasBody }: LoadedRequest): Load | undefined {
  if (method === 'GET' && isBlob(path)) return 'downloads'
  return hasBody ? 'uploads' : undefined
}

/** As the route reads the path, escapes and all: whoever writes it in another way meets the same limit. */
function isBlob(path: string): boolean {
  try {
    return parseRegistryPath(path).kind === 'blob'
  } catch {
    return false
  }
}
