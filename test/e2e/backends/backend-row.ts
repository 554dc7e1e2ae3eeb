/** A backend that runs beside the test, seen from both sides: what services are told of it, and what it did. */
export interface RunningBackend extends AsyncDisposable {
  /** What stands as `backend` in the rules of origins. */
  readonly blobs: Readonly<Record<string, unknown>>
  /** What stands as `backend` in the config of build-indexes. */
  readonly index: Readonly<Record<string, unknown>>
  /** Whether the content with this digest is in the backend. */
  has(digest: string): boolean | Promise<boolean>
  /** Bytes of that content that the backend has given so far. */
  bytesGiven(digest: string): number
  /** Objects of build-indexes that are in the backend; undefined where they keep theirs elsewhere. */
  indexObjects?(): number
  /** Where the pushed image stands there under its own name and tag, for backends that are registries. */
  readonly image?: string
}

/** One row of the table in stores.test.ts. `data` is a folder that goes with the test. */
export interface BackendRow {
  readonly name: string
  start(data: string): Promise<RunningBackend>
}
