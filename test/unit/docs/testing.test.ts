import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { docTable, readProjectFile } from '../../kit/doc-table.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const rows = docTable('docs/testing.md', ['fault', 'guard (file: symbol)', 'test'])

/** Whether the file of `path/of/file.ts: text` contains the text. */
function isThere(reference: string): boolean {
  const [, file = '', text = ''] = /^(\S+\.[tj]s): (.+)$/.exec(reference) ?? []
  return file !== '' && existsSync(join(root, file)) && containsWord(readProjectFile(file), text)
}

const containsWord = (source: string, text: string) => {
  const escaped = text.replaceAll(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`)
  return new RegExp(String.raw`(?<![\w#])${escaped}(?!\w)`).test(source)
}

describe('docs/testing.md', () => {
  test('names guards that are there', () => {
    const guards = rows.map((row) => row['guard (file: symbol)'])
    expect(guards.filter((guard) => !/^(lib|services)\//.test(guard) || !isThere(guard))).toEqual([])
  })

  test('names tests that are there', () => {
    const quoted = (reference: string) => reference.replace(/: (.+)$/, (_, name: string) => `: '${name}'`)
    const tests = rows.map((row) => row.test)
    expect(tests.filter((each) => !each.startsWith('test/') || !isThere(quoted(each)))).toEqual([])
  })

  test('names each fault once', () => {
    const faults = rows.map(({ fault }) => fault)
    expect(faults.filter((fault, i) => faults.indexOf(fault) !== i)).toEqual([])
  })

  test('has a row for each project of jest and for the benches', () => {
    const configured = /projects: \[(.*)\]/.exec(readProjectFile('jest.config.js'))?.[1]?.match(/\w+/g) ?? []
    const documented = docTable('docs/testing.md', ['project', 'what it is for', 'may use']).map(
      ({ project }) => project,
    )
    expect(documented).toEqual([...configured, 'bench'])
  })
})

test('every document that the README or another document names is there', () => {
  const documents = [
    'README.md',
    ...readdirSync(join(root, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ]
  const broken = documents.flatMap((file) =>
    [...readProjectFile(file).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)]
      .map(([, target = '']) => join(root, file, '..', target))
      .filter((target) => !existsSync(target)),
  )
  expect(broken).toEqual([])
})
