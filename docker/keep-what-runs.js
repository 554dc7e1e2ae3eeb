/**
 * Takes out of a folder of packages what Node never loads there: types, sources, maps, pages, tests, builds for browsers and
 * bundlers, native code for other systems. Licences stay. Runs while the image is built, and uses only Node:
 *
 *     node docker/keep-what-runs.js node_modules
 */
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { extname, join } from 'node:path'

/** What Node loads by `import` and `require`, and what such files read. */
const loaded = new Set(['.js', '.cjs', '.mjs', '.json', '.node', '.wasm'])
/** It asks to stand beside what it is for. */
const licence = /^(licen[cs]e|copying|notice|copyright)/i
/** Folders at the top of a package that Node is not led to; a test imports each package out of the image. */
const idle = new Set([
  ...['test', 'tests', '__tests__', 'doc', 'docs', 'example', 'examples', 'benchmark', 'benchmarks'],
  ...['browser', 'deps', 'dist-es', 'dist-types', 'miniprogram_dist'],
])
/** The image is the same for both architectures but for Node itself. */
const systems = new Set(['linux-x64', 'linux-arm64'])

const remove = (path) => rmSync(path, { recursive: true })

/** Packages, and scopes with packages; hidden entries are npm's own notes and links to programs. */
function prunePackages(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (name.startsWith('.') || name === '@types') remove(path)
    else if (name.startsWith('@')) prunePackages(path)
    else prunePackage(path)
  }
}

function prunePackage(folder) {
  for (const name of readdirSync(folder)) if (idle.has(name) || name.startsWith('.')) remove(join(folder, name))
  const prebuilds = join(folder, 'prebuilds')
  if (existsSync(prebuilds))
    for (const name of readdirSync(prebuilds)) if (!systems.has(name)) remove(join(prebuilds, name))
  pruneFiles(folder)
}

function pruneFiles(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.name === 'node_modules') prunePackages(path)
    else if (entry.isDirectory()) pruneFiles(path)
    else if (!loaded.has(extname(entry.name)) && !licence.test(entry.name)) remove(path)
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder)
}

prunePackages(process.argv[2])
