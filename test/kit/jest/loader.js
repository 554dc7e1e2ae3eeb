/** Hooks of `node:module`: Node itself loads the TypeScript of this project, and `@jest/globals` is ours. */
import { fileURLToPath } from 'node:url'
import { compiled } from './typescript.cjs'

const globals = new URL('./globals.js', import.meta.url).href
const isSource = (url) => /\.ts(?:\?|$)/.test(url)

export async function resolve(specifier, context, next) {
  if (specifier === '@jest/globals') return { url: globals, format: 'module', shortCircuit: true }
  // Imports of ours name the very file.
  if (specifier.startsWith('.') && isSource(specifier)) {
    return { url: new URL(specifier, context.parentURL).href, format: 'module', shortCircuit: true }
  }
  return next(specifier, context)
}

export async function load(url, context, next) {
  if (!isSource(url)) return next(url, context)
  return { source: compiled(fileURLToPath(url)).code, format: 'module', shortCircuit: true }
}
