import { jsonOf } from './answer.ts'
import { type EngineProbe, type ProbeInit, PULL_MS } from './engine-probe.ts'

const HUB = 'docker.io'

/** docker, asked with its own client. */
export const dockerProbe = ({ run, agent }: ProbeInit): EngineProbe => ({
  name: 'docker',
  pullsByAddress: true,
  async running() {
    const { exitCode, complaint } = await run(['docker', 'version', '--format', '{{.Server.Version}}'])
    return exitCode === 0 ? true : complaint
  },
  async effective() {
    const { exitCode, stdout, complaint } = await run(['docker', 'info', '--format', '{{json .RegistryConfig}}'])
    if (exitCode !== 0) return complaint
    const [first] = (jsonOf(stdout)['Mirrors'] ?? []) as readonly string[]
    return first?.replace(/\/+$/, '') === agent ? { mirrored: [HUB], strangers: HUB } : { mirrored: [] }
  },
  async pull(image) {
    const isThere = (await run(['docker', 'image', 'inspect', image])).exitCode === 0
    const { exitCode, complaint } = await run(['docker', 'pull', image], { timeoutMs: PULL_MS })
    if (exitCode !== 0) return complaint
    if (!isThere) await run(['docker', 'image', 'rm', image])
    return undefined
  },
})
