import { join } from 'node:path'
import { compiledScript } from '../../kit/compiled-script.ts'
import { startProcess } from '../../kit/start-process.ts'
import type { Battlefield } from './battlefield.ts'
import type { Tally } from './tally.ts'

const project = join(import.meta.dirname, '..', '..', '..')

export type Tallies = Readonly<Record<string, Tally>>

/** The attackers under way. */
export interface StartedAttack extends AsyncDisposable {
  /** The last that was heard of each attacker. */
  readonly tallies: Tallies
  /** Ends all attackers. @throws when their process did not end as it should */
  stop(): Promise<Tallies>
}

function lastOf(stdout: string): Tallies {
  const lines = stdout.split('\n')
  return JSON.parse(lines.at(-2) ?? '{}') as Tallies
}

export async function startAttack(field: Battlefield): Promise<StartedAttack> {
  const script = await compiledScript(join(import.meta.dirname, 'attack-process.ts'))
  const child = await startProcess({
    command: process.execPath,
    args: [script, JSON.stringify(field)],
    cwd: project,
    ready: ({ stdout }) => {
      if (!stdout.includes('\n')) throw new Error('has said nothing yet')
    },
  })
  const lastLine = () => lastOf(child.output().stdout)
  return {
    get tallies() {
      return lastLine()
    },
    async stop() {
      child.kill('SIGTERM')
      const { code } = await child.exited
      if (code !== 0) throw new Error(`the attackers ended with ${code}\n${child.output().stderr}`)
      return lastLine()
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}
