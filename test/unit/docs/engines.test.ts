import { expect, test } from '@jest/globals'
import { steps } from '../../../services/cli/doctor/steps.ts'
import { MachineFiles } from '../../../services/cli/setup/machine-files.ts'
import { setupRequest } from '../../../services/cli/setup/request.ts'
import { engines } from '../../../services/cli/setup/setup.ts'
import { docTable, readProjectFile } from '../../kit/doc-table.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

/** The fenced blocks of a page in one language, without the indentation that a list gives them. */
function blocks(page: string, language: string): readonly string[] {
  const found = page.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^\\1\`\`\`$`, 'gm'))
  return [...found].map(([, indent = '', text = '']) => text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''))
}

/** The recipes of a page: the words after `shoal setup ENGINE`. */
const recipesOf = (page: string, engine: string) =>
  blocks(page, 'sh').flatMap(
    (text) => new RegExp(`^shoal setup ${engine} (.+)$`, 'm').exec(text)?.[1]?.split(' ') ?? [],
  )

function flagsOf(words: readonly string[]) {
  const after = (flag: string) => words.flatMap((word, at) => (word === flag ? [words[at + 1] ?? ''] : []))
  const [fallback] = after('--fallback')
  return { own: after('--own'), registry: after('--registry'), ...(fallback !== undefined && { fallback }) }
}

const pages = [
  ...engines.map(({ name }) => [`docs/engines/${name}.md`, name] as const),
  ['README.md', 'containerd'] as const,
]

test.each(pages)('%s shows the files that its recipe writes', async (file, name) => {
  const page = readProjectFile(file)
  const words = recipesOf(page, name)
  expect(words.length).toBeGreaterThan(0)
  await using root = await tempFolder('recipe')
  const plan = await engines
    .find((engine) => engine.name === name)
    ?.plan(setupRequest(flagsOf(words)), new MachineFiles(root.path))
  const shown = [...blocks(page, 'toml'), ...blocks(page, 'json')]
  const needed = plan?.files.filter(({ path }) => file !== 'README.md' || path.endsWith('hosts.toml')) ?? []
  expect(needed.length).toBeGreaterThan(0)
  for (const { path, after } of needed) {
    expect(shown).toContain(after)
    expect(page).toContain(path)
  }
})

test('docs/doctor.md has a row for each step of the doctor, in their order', () => {
  const rows = docTable('docs/doctor.md', ['step', 'what it looks at', 'when it fails'])
  expect(rows.map((row) => [row.step, row['what it looks at']])).toEqual(steps.map(({ id, what }) => [id, what]))
  expect(rows.filter((row) => row['when it fails'] === '')).toEqual([])
})
