import { accessSync, constants, readFileSync } from 'node:fs'
import { join } from 'node:path'

const { PATH = '' } = process.env

/** Where started clients find programs: like root's PATH, even when the tests run with a shorter one. */
export const searchPath = [...PATH.split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'].join(':')

/** @throws an error that says what to do, when a client is missing or the user may not mount or unpack */
export function requireClients(): void {
  requireRoot()
  const missing = missingPackages()
  if (missing.length > 0) {
    throw new Error(`missing Debian packages: ${missing.join(', ')}; \`npm run test:e2e\` installs them as root`)
  }
}

function requireRoot(): void {
  if (process.getuid?.() !== 0) {
    throw new Error('container engines mount and unpack as root; run `npm run test:e2e` as root')
  }
}

function missingPackages(): string[] {
  const list = readFileSync(join(import.meta.dirname, '..', 'debian-packages.json'), 'utf8')
  const programs = Object.entries(JSON.parse(list) as Record<string, string>)
  return programs.filter(([, program]) => !isInstalled(program)).map(([name]) => name)
}

function isInstalled(program: string): boolean {
  return searchPath.split(':').some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
