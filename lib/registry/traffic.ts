/** Called with payload byte counts, for the service's metrics. */
export interface Traffic {
  /** Bytes from a client: pushed blobs and manifests. */
  readonly received: (bytes: number) => void
  /** Bytes to a client: pulled blobs and manifests. */
  readonly sent: (bytes: number) => void
}

export const noTraffic: Traffic = { received: () => undefined, sent: () => undefined }
