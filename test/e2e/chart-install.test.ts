import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { helms, kubectl } from '../kit/chart/helm.ts'
import { type RealInstall, realInstall } from '../kit/chart/real-install.ts'
import { shapes } from '../kit/chart/shapes.ts'
import { kubeAssets } from '../kit/kube-real.ts'
import { resourceStack } from '../kit/resource-stack.ts'

/** The chart at a real API server: what no template can show, each field and each right, is judged by Kubernetes itself. */
const assets = kubeAssets()
const canRun = assets !== undefined && kubectl !== undefined && helms.length > 0
if (!canRun)
  process.stdout.write('skipped: the chart at a real API server needs KUBEBUILDER_ASSETS, helm and kubectl\n')
const describeReal = canRun ? describe : describe.skip

const each = helms.flatMap((helm) => Object.entries(shapes).map(([shape, values]) => ({ helm, shape, values })))
const titled = each.map((one) => ({ ...one, title: `${one.helm.name}, ${one.shape}` }))

describeReal('at a real API server', () => {
  const stack = resourceStack()
  let real: RealInstall

  beforeAll(async () => {
    real = stack.own(await realInstall(assets ?? { etcd: '', apiserver: '' }, kubectl ?? ''))
  }, 300_000)
  afterAll(async () => stack[Symbol.asyncDispose]())

  test.each(titled)('$title: every object is taken, and no field of it is unknown', async ({ helm, values }) => {
    const { all } = await helm.template(values)
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: all })
    const said = await real.kubectl(['apply', '--dry-run=server', '--validate=strict', '--filename', '-'], list)
    expect(
      said
        .trim()
        .split('\n')
        .filter((line) => line.includes('(server dry run)')).length,
    ).toBe(all.length)
  })
})
