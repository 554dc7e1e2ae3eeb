const { createHash, randomUUID } = require('node:crypto')
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs')
const { join, resolve } = require('node:path')
const { transformSync, version } = require('@swc/core')

const options = {
  jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
  module: { type: 'es6' },
  sourceMaps: true,
}
const folder = resolve(__dirname, '..', '..', '..', 'node_modules', '.cache', 'shoal-jest')
const how = `${version} ${JSON.stringify(options)}`

/**
 * A TypeScript file as JavaScript: its `code`, and the path of its source `map`. It is kept for later runs and other
 * workers, as long as the source does not change.
 */
exports.compiled = (path) => {
  const source = readFileSync(path, 'utf8')
  const key = createHash('sha1').update(`${how}\n${path}\n${source}`).digest('hex')
  const [place, map] = [join(folder, `${key}.js`), join(folder, `${key}.map`)]
  const kept = readKept(place)
  if (kept !== undefined) return { code: kept, map }
  const made = transformSync(source, { ...options, filename: path })
  mkdirSync(folder, { recursive: true })
  writeWhole(map, made.map)
  writeWhole(place, made.code)
  return { code: made.code, map }
}

function readKept(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Others may write the same at the same time. */
function writeWhole(path, text) {
  const scratch = `${path}.${randomUUID()}`
  writeFileSync(scratch, text)
  renameSync(scratch, path)
}
