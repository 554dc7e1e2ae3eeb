import { describe, expect, test } from '@jest/globals'
import { helms } from '../kit/chart/helm.ts'
import { loadServices } from '../kit/chart/load-configs.ts'
import { containersOf, podsOf } from '../kit/chart/pods.ts'
import { shapes } from '../kit/chart/shapes.ts'

if (helms.length === 0) process.stdout.write('skipped: no helm, see test/kit/install-helm.js\n')
const withHelm = helms.length === 0 ? describe.skip : describe
const each = helms.flatMap((helm) => Object.entries(shapes).map(([shape, values]) => ({ helm, shape, values })))
const titled = each.map((one) => ({ ...one, title: `${one.helm.name}, ${one.shape}` }))

withHelm('the chart', () => {
  test.each(titled)('$title: lints, and every service takes the config that it is given', async ({ helm, values }) => {
    await helm.lint(values)
    const { all } = await helm.template(values)
    const services = await loadServices(all)
    expect(new Set(services.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(5)
  })
})
