/**
 * Writes a package that depends on the compiler alone, in the version and with the hash of this one's lockfile: so building
 * the image installs one package for developers instead of five hundred.
 *
 *     node docker/only-the-compiler.js FOLDER
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const read = (name) => JSON.parse(readFileSync(name, 'utf8'))
const folder = process.argv[2]
const { typescript } = read('package.json').devDependencies
const { packages, ...lock } = read('package-lock.json')
const root = { name: 'compiler', private: true, dependencies: { typescript } }
const { dev: _, ...compiler } = packages['node_modules/typescript']
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'package.json'), JSON.stringify(root))
const locked = { ...lock, name: root.name, packages: { '': root, 'node_modules/typescript': compiler } }
writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(locked))
