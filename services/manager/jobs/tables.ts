/** A job as it was given, and how it ended. */
export interface JobTable {
  readonly id: string
  /** For tools that know integers alone. */
  readonly number: number
  readonly kind: string
  readonly state: string
  /** JSON: what was asked for, without credentials. */
  readonly spec: string
  /** JSON: how another API shows what was asked for; never a secret. */
  readonly shown: string | null
  readonly actor: string
  /** Given by the actor; the digest says of which content. */
  readonly idemKey: string | null
  readonly idemDigest: string | null
  readonly schedule: string | null
  readonly createdAtMs: number
  readonly startedAtMs: number | null
  readonly endedAtMs: number | null
  readonly untilMs: number
  readonly cancelAtMs: number | null
  readonly code: string | null
  readonly message: string | null
  /** Grows with each change of a row. */
  readonly seq: number
  /** JSON: the sums of its rows, when it has ended. */
  readonly sums: string | null
  /** 1: another API has removed it from its lists. */
  readonly hidden: number
}

/** What is done of a job at one cluster for one target. */
export interface JobPartTable {
  readonly jobId: string
  readonly n: number
  readonly cluster: string
  readonly step: string
  /** JSON: what the step needs. */
  readonly spec: string
  readonly state: string
  /** Who does it; kept before it is asked. */
  readonly member: string | null
  /** The id that it has there. */
  readonly remoteId: string | null
  readonly code: string | null
  readonly message: string | null
  /** JSON: the digest and the blobs of an image, once they are known. */
  readonly content: string | null
}

/** What became of one host, or of one blob at one host. */
export interface JobRowTable {
  readonly jobId: string
  readonly part: number
  readonly host: string
  /** Empty when the row is not of a single blob. */
  readonly blob: string
  readonly name: string | null
  readonly address: string | null
  readonly zone: string | null
  readonly state: string
  readonly code: string | null
  readonly attempts: number
  readonly bytes: number
  readonly doneBytes: number
  readonly blobs: number
  readonly doneBlobs: number
  readonly holds: string | null
  readonly seq: number
}

/** Numbers that were given: the last one of each kind. */
export interface CounterTable {
  readonly name: string
  readonly value: number
}

/** What begins jobs by itself. */
export interface ScheduleTable {
  readonly name: string
  readonly cron: string | null
  readonly timeZone: string
  /** JSON */
  readonly onPush: string | null
  readonly overlap: number
  readonly enabled: number
  /** JSON */
  readonly job: string
  /** Who has set it last, as the next ones. */
  readonly actor: string
  readonly byUserId: string | null
  readonly byTokenId: string | null
  readonly changedAtMs: number
  readonly lastAtMs: number | null
  readonly lastJob: string | null
  readonly lastCode: string | null
  readonly nextAtMs: number | null
}

/** Integers that stand for clusters where tools know no names. */
export interface ClusterNumberTable {
  readonly clusterId: string
  readonly number: number
}

export interface JobTables {
  readonly jobs: JobTable
  readonly jobParts: JobPartTable
  readonly jobRows: JobRowTable
  readonly counters: CounterTable
  readonly schedules: ScheduleTable
  readonly clusterNumbers: ClusterNumberTable
}
