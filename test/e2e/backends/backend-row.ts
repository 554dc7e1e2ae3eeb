/** A running backend for a test: the configs of services that use it, and what it received. */
export interface RunningBackend extends AsyncDisposable {
  /** The value of `backend` in the rules of origins. */
  readonly blobs: Readonly<Record<string, unknown>>
  /** The value of `backend` in the config of build-indexes. */
  readonly index: Readonly<Record<string, unknown>>
  /** Whether the backend has the content with this digest. */
  has(digest: string): boolean | Promise<boolean>
  /** Bytes of that content that the backend has sent so far. */
  bytesGiven(digest: string): number
  /** Number of objects of build-indexes in the backend; undefined when they are stored elsewhere. */
  indexObjects?(): number
  /** For backends that are registries: the reference there of the pushed image. */
  readonly image?: string
}

/** One row of the table in backends.test.ts. `data` is a folder that is removed after the test. */
export interface BackendRow {
  readonly name: string
  start(data: string): Promise<RunningBackend>
}
