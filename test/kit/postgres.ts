import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildResource } from './resource-stack.ts'
import { run } from './run.ts'
import { type StartedProcess, startProcess } from './start-process.ts'
import { tempFolder } from './temp-folder.ts'
import { testPorts } from './test-ports.ts'

/** Where Debian puts the programs of each version of the server. */
const VERSIONS = '/usr/lib/postgresql'
/** The server does not run as root. */
const NOBODY = 65_534

/** The folder of the newest server's programs; undefined when there is none. */
export function postgresPrograms(): string | undefined {
  try {
    const [newest] = readdirSync(VERSIONS).toSorted((a, b) => Number(b) - Number(a))
    return newest === undefined ? undefined : join(VERSIONS, newest, 'bin')
  } catch {
    return undefined
  }
}

/** Debian's PostgreSQL in a folder of its own, at a port of its own. */
export interface PostgresServer extends AsyncDisposable {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** A new database of that user; its name. */
  newDatabase(): Promise<string>
  /** What psql prints for a statement. */
  sql(database: string, statement: string): Promise<string>
  /** Ends it at once, as a crash does; resolves when it has ended. */
  kill(): Promise<void>
  start(): Promise<void>
}

const isRoot = process.getuid?.() === 0
const asNobody = isRoot
  ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--pdeathsig', 'TERM', '--']
  : []

export function postgresServer(): Promise<PostgresServer> {
  return buildResource(async (stack) => {
    const programs = postgresPrograms()
    if (programs === undefined) throw new Error('the package postgresql is not installed')
    const folder = stack.own(await tempFolder('pg')).path
    const data = join(folder, 'data')
    const passwordFile = join(folder, 'password')
    const { port } = (await testPorts(1)).take(0, { port: 0 })
    const [user, password] = ['shoal', randomBytes(16).toString('hex')]
    await writeFile(passwordFile, password)
    await mkdir(data)
    if (isRoot) for (const path of [folder, data, passwordFile]) await chown(path, NOBODY, NOBODY)
    await chmod(folder, 0o700)
    const call = (program: string, args: readonly string[]) => {
      const [command = '', ...rest] = [...asNobody, join(programs, program), ...args]
      return { command, args: rest }
    }
    const init = call('initdb', [
      ...['-D', data, '-U', user, '-A', 'scram-sha-256', '--pwfile', passwordFile],
      ...['--no-sync', '-E', 'UTF8', '--locale=C.UTF-8', '--no-instructions'],
    ])
    await run(init.command, init.args, { cwd: folder })
    const env = { ...process.env, PGPASSWORD: password }
    const sql = async (database: string, statement: string) => {
      const args = ['-h', '127.0.0.1', '-p', String(port), '-U', user, '-d', database, '-X', '-A', '-t', '-q']
      return (await run(join(programs, 'psql'), [...args, '-c', statement], { env })).stdout.trim()
    }
    let server: StartedProcess<void> | undefined
    const start = async () => {
      server = await startProcess({
        ...call('postgres', [
          ...['-D', data, '-p', String(port), '-k', folder, '-c', 'listen_addresses=127.0.0.1'],
          ...['-c', 'fsync=off', '-c', 'shared_buffers=16MB', '-c', 'max_connections=60'],
        ]),
        cwd: folder,
        ready: async () => {
          await sql('postgres', 'select 1')
        },
      })
    }
    stack.own({
      async [Symbol.asyncDispose]() {
        // It waits for nobody.
        server?.kill('SIGINT')
        await server?.[Symbol.asyncDispose]()
      },
    })
    await start()
    let made = 0
    return {
      ...{ host: '127.0.0.1', port, user, password, sql, start },
      async newDatabase() {
        made += 1
        const name = `shoal_${made}`
        await sql('postgres', `create database ${name}`)
        return name
      },
      async kill() {
        server?.kill('SIGKILL')
        await server?.exited
      },
    }
  })
}
