import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { digestOf, parseWebUrl } from '../../../lib/core/index.ts'
import { fileSink, partOf, partOfUrl } from '../../../services/cli/get/sinks.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const url = parseWebUrl('https://models.example/a')
const content = Buffer.from('the content of a URL')
const digest = digestOf(content)

/** Runs of one get, each with a sink of its own. */
async function started(isProvable: boolean) {
  const folder = await tempFolder('sinks')
  const path = join(folder.path, 'model')
  const part = partOfUrl(url, 'one', isProvable)
  return {
    ...{ path, left: join(folder.path, `.model.${part.name}.part`) },
    sink: () => fileSink(path, part, 'sha256'),
    names: () => readdir(folder.path),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

test('what is left and cannot be proven is written over, and nothing of it stays behind the end', async () => {
  await using lab = await started(false)
  await writeFile(lab.left, `${content.toString().toUpperCase()}, and more`)
  await using sink = await lab.sink()
  expect([sink.here, sink.anew]).toEqual([0, content.length + 10])
  await sink.take(content, {})
  await sink.end(undefined)
  expect([await readFile(lab.path), await lab.names()]).toEqual([content, ['model']])
})

test.each([true, false])('two runs at a time of the same content both end well (provable: %s)', async (isProvable) => {
  await using lab = await started(isProvable)
  await using one = await lab.sink()
  await one.take(content.subarray(0, 9), {})
  await using other = await lab.sink()
  expect(other.here).toBe(isProvable ? 9 : 0)
  await other.take(content.subarray(other.here, 12), {})
  await one.take(content.subarray(9), {})
  await one.end(isProvable ? digest : undefined)
  expect([await readFile(lab.path), await lab.names()]).toEqual([content, ['model']])
  await other.take(content.subarray(12), {})
  await other.end(isProvable ? digest : undefined)
  expect([await readFile(lab.path), await lab.names()]).toEqual([content, ['model']])
})

test('parts of several contents of a URL, and of its digest, have names of their own', () => {
  const names = [partOfUrl(url, 'one', true), partOfUrl(url, 'two', true), partOf(digest)].map(({ name }) => name)
  expect(new Set(names).size).toBe(3)
  expect(partOfUrl(url, 'one', false).name).toBe(names[0])
  expect(digest).toContain(names[2])
})
