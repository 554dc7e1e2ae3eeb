import { join } from 'node:path'
import { run } from '../run.ts'
import { chartFolder } from './helm.ts'

export interface PushAndPullInit {
  readonly proxy: string
  readonly agent: string
  /** What `ns` of a pull says. */
  readonly name: string
  readonly pushSecret?: string
}

/** Runs the script of `helm test`, as its pod does; what it says. @throws CommandFailed when it fails */
export async function pushAndPull({ proxy, agent, name, pushSecret = '' }: PushAndPullInit): Promise<string> {
  const env = { PROXY: proxy, AGENT: agent, NAME: name, PUSH_SECRET: pushSecret }
  return (await run(process.execPath, [join(chartFolder, 'files', 'helm-test.mjs')], { env })).stdout
}
