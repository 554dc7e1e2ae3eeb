import type { MachineFiles } from './machine-files.ts'
import type { SetupRequest } from './request.ts'

/** A file as it shall become. */
export interface PlannedFile {
  readonly path: string
  readonly before: string | undefined
  readonly after: string
}

/** What a set-up would do. */
export interface Plan {
  readonly files: readonly PlannedFile[]
  /** What the user should know. */
  readonly notes: readonly string[]
}

/** How one container engine is pointed at the agent. */
export interface Engine {
  /** As users type it. */
  readonly name: string
  readonly what: string
  /** Engines that read the same files share the record of what was changed. */
  readonly record: string
  /**
   * Reads the files of the engine, and says what they shall become. Changes nothing.
   * @throws CONFIG_INVALID, CHANGED_MEANWHILE
   */
  plan(request: SetupRequest, files: MachineFiles): Promise<Plan>
  /** What the user has to do so that the engine takes notice of these changed files: shoal restarts nothing. */
  reload(paths: readonly string[]): string
}
