import { type EngineProbe, type ProbeInit, PULL_MS } from './engine-probe.ts'

/** CRI-O, asked with the client of Kubernetes. */
export const crioProbe = ({ run }: ProbeInit): EngineProbe => ({
  name: 'crio',
  pullsByAddress: false,
  async running() {
    const { exitCode, stdout, complaint } = await run(['crictl', 'version'])
    if (exitCode !== 0) return complaint
    return /cri-o/i.test(stdout) ? true : 'crictl talks to another engine'
  },
  effective: async () => 'CRI-O does not tell which mirrors it has; it reads the files of podman',
  async pull(image) {
    const isThere = (await run(['crictl', 'inspecti', image])).exitCode === 0
    const { exitCode, complaint } = await run(['crictl', 'pull', image], { timeoutMs: PULL_MS })
    if (exitCode !== 0) return complaint
    if (!isThere) await run(['crictl', 'rmi', image])
    return undefined
  },
})
