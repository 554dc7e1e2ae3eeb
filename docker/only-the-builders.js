/**
 * Writes a package that depends on what builds the services and the console alone, in the versions and with the hashes of
 * this one's lockfile: so building the image installs some twenty-five packages for developers instead of five hundred.
 *
 *     node docker/only-the-builders.js FOLDER
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The compiler, the bundler, and what is bundled. */
const BUILDERS = ['typescript', 'vite', 'preact', '@preact/signals', 'uplot', 'd3-force']

const read = (name) => JSON.parse(readFileSync(name, 'utf8'))
const { devDependencies } = read('package.json')
const { packages, ...lock } = read('package-lock.json')

/** The place of a package as one at `from` finds it; undefined for one that is optional and not installed. */
function placeOf(name, from) {
  for (let at = from; ; at = at.slice(0, at.lastIndexOf('/node_modules/'))) {
    const place = `${at === '' ? '' : `${at}/`}node_modules/${name}`
    if (packages[place] !== undefined) return place
    if (at === '' || !at.includes('/node_modules/')) return from === '' || at === '' ? undefined : placeOf(name, '')
  }
}

const needed = new Map()
function need(name, from) {
  const place = placeOf(name, from)
  if (place === undefined || needed.has(place)) return
  const { dev: _, ...entry } = packages[place]
  needed.set(place, entry)
  for (const next of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) need(next, place)
}
for (const name of BUILDERS) need(name, '')

const folder = process.argv[2]
const dependencies = Object.fromEntries(BUILDERS.map((name) => [name, devDependencies[name]]))
const root = { name: 'builders', private: true, dependencies }
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'package.json'), JSON.stringify(root))
const locked = { ...lock, name: root.name, packages: { '': root, ...Object.fromEntries(needed) } }
writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(locked))
