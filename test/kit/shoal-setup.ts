import { run } from '../../services/cli/run.ts'
import { recordingHost } from './recording-host.ts'

/** Runs `shoal setup` with these words; returns what it says. @throws an error with its complaint */
export async function shoalSetup(...words: readonly string[]): Promise<string> {
  const host = recordingHost()
  const exit = await run(['setup', ...words], host)
  if (exit !== 0 || host.complained !== '') throw new Error(`shoal setup ended with ${exit}: ${host.complained}`)
  return host.said
}
