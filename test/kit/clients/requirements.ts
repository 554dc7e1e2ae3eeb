import { execFileSync } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { join } from 'node:path'

const { PATH = '' } = process.env

/** Where started clients find programs: like root's PATH, even when the tests run with a shorter one. */
export const searchPath = [...PATH.split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'].join(':')

/**
 * @param only the programs that are needed, which do not mount or unpack; default all
 * @throws an error that says what to do, when a client is missing or the user may not mount or unpack
 */
export function requireClients(only?: readonly string[]): void {
  if (only === undefined) requireRoot()
  const missing = missingPackages(only)
  if (missing.length > 0) {
    throw new Error(`missing Debian packages: ${missing.join(', ')}; \`npm run test:e2e\` installs them as root`)
  }
}

function requireRoot(): void {
  if (process.getuid?.() !== 0) {
    throw new Error('container engines mount and unpack as root; run `npm run test:e2e` as root')
  }
}

function missingPackages(only: readonly string[] | undefined): string[] {
  const list = readFileSync(join(import.meta.dirname, '..', 'debian-packages.json'), 'utf8')
  const programs = Object.entries(JSON.parse(list) as Record<string, string>)
  return programs
    .filter(([, program]) => (only?.includes(program) ?? true) && !isInstalled(program))
    .map(([name]) => name)
}

/** Whether the program is on the path on which clients are looked for. */
export function isInstalled(program: string): boolean {
  return searchPath.split(':').some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Whether the program is installed, and says with `--version` that it is at least this one. */
export function isAtLeast(program: string, major: number, minor: number): boolean {
  if (!isInstalled(program)) return false
  const said = execFileSync(program, ['--version'], { encoding: 'utf8', env: { PATH: searchPath } })
  const [, first, second] = / v?(\d+)\.(\d+)\./.exec(said) ?? []
  return Number(first) > major || (Number(first) === major && Number(second) >= minor)
}
