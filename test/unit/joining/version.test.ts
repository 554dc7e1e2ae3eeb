import { expect, test } from '@jest/globals'
import { shoalVersion } from '../../../lib/service/index.ts'
import { readProjectFile } from '../../kit/doc-table.ts'

test('the version that services tell is that of the package', () => {
  const { version } = JSON.parse(readProjectFile('package.json')) as { readonly version: string }
  expect(shoalVersion).toBe(version)
})
