import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { controlPlaneDefinition } from '../../../kit/accounts/definition.ts'

test('the custom resource definition of the chart is that of the schema which parses the resource', async () => {
  const path = join(import.meta.dirname, '../../../../docker/chart/crds/controlplane.yaml')
  expect(parse(await readFile(path, 'utf8'))).toEqual(controlPlaneDefinition())
})
