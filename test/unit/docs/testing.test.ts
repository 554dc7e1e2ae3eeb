import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { benchNames } from '../../bench/benches.ts'
import { docTable, readProjectFile } from '../../kit/doc-table.ts'

const root = join(import.meta.dirname, '..', '..', '..')

/** A row that says where in the program something stands, and which test fails without it. */
interface Claim {
  readonly what: string
  readonly code: string
  readonly test: string
}

const claims: Readonly<Record<string, readonly Claim[]>> = {
  'docs/testing.md: faults and their guards': docTable('docs/testing.md', [
    'fault',
    'guard (file: symbol)',
    'test',
  ]).map((row) => ({ what: row.fault, code: row['guard (file: symbol)'], test: row.test })),
  'docs/architecture.md: who decides what': docTable('docs/architecture.md', ['behaviour', 'file: symbol', 'test']).map(
    (row) => ({ what: row.behaviour, code: row['file: symbol'], test: row.test }),
  ),
}

const rules = docTable('docs/testing.md', ['rule', 'what clients need', 'test'])

/** Whether the file of `path/of/file.ts: text` contains the text. */
function isThere(reference: string): boolean {
  const [, file = '', text = ''] = /^(\S+\.[tj]s): (.+)$/.exec(reference) ?? []
  return file !== '' && existsSync(join(root, file)) && containsWord(readProjectFile(file), text)
}

const containsWord = (source: string, text: string) => {
  const escaped = text.replaceAll(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`)
  return new RegExp(String.raw`(?<![\w#])${escaped}(?!\w)`).test(source)
}

describe.each(Object.entries(claims))('%s', (_, rows) => {
  test('names code that is there', () => {
    const code = rows.map((row) => row.code)
    expect(code.filter((each) => !/^(lib|services)\//.test(each) || !isThere(each))).toEqual([])
  })

  test('names tests that are there', () => {
    const quoted = (reference: string) => reference.replace(/: (.+)$/, (_match, name: string) => `: '${name}'`)
    const tests = rows.map((row) => row.test)
    expect(tests.filter((each) => !each.startsWith('test/') || !isThere(quoted(each)))).toEqual([])
  })

  test('has one row for each thing', () => {
    const things = rows.map(({ what }) => what)
    expect(things.filter((thing, i) => things.indexOf(thing) !== i)).toEqual([])
  })
})

test('docs/testing.md names for each rule of registry clients a test that is there', () => {
  const missing = rules.filter(({ test: reference }) => !isThere(reference.replace(/: (.+)$/, `: '$1'`)))
  expect(missing).toEqual([])
  const elsewhere = [24, 25, 26, 37]
  const numbers = Array.from({ length: 40 }, (_, i) => i + 1).filter((rule) => !elsewhere.includes(rule))
  expect(rules.map(({ rule }) => Number(rule))).toEqual(numbers)
})

test('docs/testing.md has a row for each project of jest and for the benches', () => {
  const configured = /projects: \[(.*)\]/.exec(readProjectFile('jest.config.js'))?.[1]?.match(/\w+/g) ?? []
  const documented = docTable('docs/testing.md', ['project', 'what it is for', 'may use']).map(({ project }) => project)
  expect(documented).toEqual([...configured, 'bench'])
})

test('docs/architecture.md has a row for each folder within a room', () => {
  const foldersIn = (parent: string) =>
    readdirSync(join(root, parent), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${parent}/${name}`)
  const allIn = (parent: string): readonly string[] => foldersIn(parent).flatMap((each) => [each, ...allIn(each)])
  const within = ['lib', 'services'].flatMap(foldersIn).flatMap(allIn)
  const documented = docTable('docs/architecture.md', ['folder', 'what stands there']).map(({ folder }) => folder)
  expect(documented.toSorted()).toEqual(within.toSorted())
})

/** The README, every file in docs, and every decision. */
const documents = ['.', 'docs', 'docs/decisions'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
)

test('every document that a document names is there', () => {
  const broken = documents.flatMap((file) =>
    [...readProjectFile(file).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)]
      .map(([, target = '']) => join(root, file, '..', target))
      .filter((target) => !existsSync(target)),
  )
  expect(broken).toEqual([])
})

test('docs/testing.md has a row for each bench', () => {
  const rows = docTable('docs/testing.md', ['bench', 'what it measures', 'options'])
  expect(rows.map(({ bench }) => bench).toSorted()).toEqual(benchNames.toSorted())
})
