/** Told the payload bytes as they pass, for the service's counters. */
export interface Traffic {
  /** From a client: blobs and manifests being pushed. */
  readonly received: (bytes: number) => void
  /** To a client: blobs and manifests being pulled. */
  readonly sent: (bytes: number) => void
}

export const noTraffic: Traffic = { received: () => undefined, sent: () => undefined }
