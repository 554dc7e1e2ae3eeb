import { z } from 'zod'

/** The fields of an OCI or Docker manifest that tell which kind it is. */
export const manifestShape = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().max(255).exactOptional(),
  manifests: z.array(z.unknown()).exactOptional(),
})
