import { z } from 'zod'
import { list, opaque, text } from './bounded.ts'

/** No more can be in a manifest of 4 MiB that anybody means. */
const MAX_MANIFESTS = 50_000

/** The fields of an OCI or Docker manifest that tell which kind it is. */
export const manifestShape = z.object({
  schemaVersion: z.literal(2),
  mediaType: text(255).exactOptional(),
  manifests: list(opaque(), MAX_MANIFESTS).exactOptional(),
})
