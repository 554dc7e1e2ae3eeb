import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Helm, helms, type Manifest } from '../kit/chart/helm.ts'
import type { PodSpec } from '../kit/chart/pods.ts'
import { type RunningPods, runPods } from '../kit/chart/run-pods.ts'
import { resourceStack } from '../kit/resource-stack.ts'

/**
 * What the chart renders, run: each service as its pod would run it, with an address of its own, behind the names of a cluster,
 * with certificates for just the names that its Certificate asks for.
 */
if (helms.length === 0) process.stdout.write('skipped: no helm, see test/kit/install-helm.js\n')
const withHelm = helms.length === 0 ? describe.skip : describe

withHelm('the cluster that the chart makes', () => {
  const stack = resourceStack()
  let all: readonly Manifest[]
  let pods: RunningPods

  beforeAll(async () => {
    const [helm] = helms as readonly [Helm]
    const values = {
      tls: { mode: 'certManager', issuer: { name: 'own' } },
      ...{ origins: { replicas: 2 }, trackers: { replicas: 1 }, buildIndexes: { replicas: 1 }, proxy: { replicas: 1 } },
    }
    all = (await helm.template(values)).all
    pods = stack.own(await runPods(all))
  }, 300_000)
  afterAll(async () => stack[Symbol.asyncDispose]())

  test('helm test pushes through the proxy and pulls on a node, with TLS between all services', async () => {
    const tests = all.filter(
      ({ kind, metadata }) => kind === 'Pod' && metadata.annotations?.['helm.sh/hook'] === 'test',
    )
    expect(tests).toHaveLength(1)
    for (const node of ['shoal-agent-0', 'shoal-agent-1']) {
      const { stdout } = await pods.runIn(node, tests[0]?.['spec'] as PodSpec)
      expect(stdout).toContain('pushed https://shoal-proxy.shoal.svc.cluster.local:5000')
      expect(stdout).toContain('pulled http://127.0.0.1:65001/shoal/helm-test:test, each byte as it was')
    }
  })

  test('every pod answers Prometheus at the port ops', async () => {
    expect(pods.names.toSorted()).toEqual([
      ...['shoal-agent-0', 'shoal-agent-1', 'shoal-build-index-0', 'shoal-origin-0', 'shoal-origin-1'],
      ...['shoal-proxy-0', 'shoal-tracker-0'],
    ])
    for (const pod of pods.names) expect(await pods.get(pod, 'ops', '/metrics')).toContain('process_cpu_seconds_total')
  })
})
