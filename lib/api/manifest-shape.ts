import { z } from 'zod'

/** As much of an OCI or Docker manifest as tells what it is. */
export const manifestShape = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().max(255).exactOptional(),
  manifests: z.array(z.unknown()).exactOptional(),
})
