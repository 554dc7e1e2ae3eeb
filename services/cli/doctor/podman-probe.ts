import { isTable } from '../setup/toml.ts'
import { jsonOf } from './answer.ts'
import { type EngineProbe, type ProbeInit, PULL_MS } from './engine-probe.ts'

interface RegistryInfo {
  readonly Location?: string
  readonly Mirrors?: readonly { readonly Location: string }[] | null
}

/** podman, asked with its own client. */
export const podmanProbe = ({ run, agent }: ProbeInit): EngineProbe => {
  const place = new URL(agent).host
  const isAgent = (location: string | undefined) => location === place || location?.startsWith(`${place}/`) === true
  return {
    name: 'podman',
    pullsByAddress: false,
    async running() {
      const { exitCode, complaint } = await run(['podman', 'version', '--format', '{{.Client.Version}}'])
      return exitCode === 0 ? true : complaint
    },
    async effective() {
      const { exitCode, stdout, complaint } = await run(['podman', 'info', '--format', 'json'])
      if (exitCode !== 0) return complaint
      const { registries } = jsonOf(stdout)
      const asked = Object.entries(isTable(registries) ? registries : {}).flatMap(([prefix, value]) => {
        const { Location, Mirrors } = (isTable(value) ? value : {}) as RegistryInfo
        const first = Mirrors?.[0]?.Location ?? Location
        return isAgent(first) ? [{ prefix, isStranger: first?.includes('/') === true }] : []
      })
      const strangers = asked.filter(({ isStranger }) => isStranger).map(({ prefix }) => prefix)
      const mirrored = asked.map(({ prefix }) => prefix)
      return strangers.length === 0 ? { mirrored } : { mirrored, strangers: strangers.join(', ') }
    },
    async pull(image) {
      const isThere = (await run(['podman', 'image', 'exists', image])).exitCode === 0
      const { exitCode, complaint } = await run(['podman', 'pull', image], { timeoutMs: PULL_MS })
      if (exitCode !== 0) return complaint
      if (!isThere) await run(['podman', 'rmi', image])
      return undefined
    },
  }
}
