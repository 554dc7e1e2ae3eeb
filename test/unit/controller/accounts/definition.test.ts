import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { controlPlaneDefinition } from '../../../kit/accounts/definition.ts'
import { documentedRights } from '../../../kit/accounts/rights.ts'

const chart = (path: string) => readFile(join(import.meta.dirname, '../../../../docker/chart', path), 'utf8')

test('the custom resource definition of the chart is that of the schema which parses the resource', async () => {
  expect(parse(await chart('crds/controlplane.yaml'))).toEqual(controlPlaneDefinition())
})

test('the chart gives the controller the rights of the documentation', async () => {
  const [, rules = ''] = /^(rules:\n(?: {2}- .*\n)+)/m.exec(await chart('templates/accounts-rights.yaml')) ?? []
  expect(parse(rules)).toEqual({ rules: await documentedRights() })
})
