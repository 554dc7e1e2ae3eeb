import type { MachineFiles } from '../setup/machine-files.ts'
import type { RunCommand } from './command.ts'

/** What a probe works with. */
export interface ProbeInit {
  readonly run: RunCommand
  readonly files: MachineFiles
  /** URL of the agent's registry. */
  readonly agent: string
}

/** The config with which an engine really pulls. */
export interface EffectiveConfig {
  /** Hosts for which the engine asks the agent first; `_default` stands for all others. */
  readonly mirrored: readonly string[]
  /** Other registries whose images it asks the agent for without a word of them. */
  readonly strangers?: string
  /** Something in it that keeps the engine from the agent. */
  readonly trouble?: string
}

/** How the doctor looks at one engine. */
export interface EngineProbe {
  readonly name: string
  /** Whether the engine answers here; else why not. */
  running(): Promise<true | string>
  /** The config as the engine itself tells it; text: why it does not. */
  effective(): Promise<EffectiveConfig | string>
  /** Whether images can be named by the address of the agent without any config. */
  readonly pullsByAddress: boolean
  /** Pulls an image that it forgets afterwards, unless it was there before. Undefined: done; else why not. */
  pull(image: string): Promise<string | undefined>
}

export type MakeProbe = (init: ProbeInit) => EngineProbe

/** Longest pull of the small image. */
export const PULL_MS = 120_000
