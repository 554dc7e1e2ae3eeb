import { buildResource } from './resource-stack.ts'
import { run } from './run.ts'
import { type StartedProcess, startProcess } from './start-process.ts'
import { tempFolder } from './temp-folder.ts'
import { testPorts } from './test-ports.ts'

/** Debian's redis on a port of its own, without persistence: after a restart it is empty. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string
  /** What redis-cli prints for a command. */
  cli(...command: readonly string[]): Promise<string>
  /** Of keys that match. */
  count(pattern: string): Promise<number>
  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Stops and continues it, so that it answers nothing meanwhile. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
}

export interface RedisServerInit {
  readonly password?: string
}

export function redisServer({ password }: RedisServerInit = {}): Promise<RedisServer> {
  return buildResource(async (stack) => {
    const folder = stack.own(await tempFolder('redis')).path
    const { port } = (await testPorts(1)).take(0, { port: 0 })
    let server: StartedProcess<void> | undefined
    const auth = password === undefined ? [] : ['--no-auth-warning', '-a', password]
    const cli = async (...command: readonly string[]) =>
      (await run('redis-cli', ['-p', String(port), ...auth, ...command])).stdout.trim()
    const start = async () => {
      server = await startProcess({
        command: 'redis-server',
        args: [
          ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'],
          ...(password === undefined ? [] : ['--requirepass', password]),
        ],
        ready: async () => {
          if ((await cli('ping')) !== 'PONG') throw new Error('redis does not answer')
        },
      })
    }
    stack.own({ [Symbol.asyncDispose]: async () => server?.[Symbol.asyncDispose]() })
    await start()
    return {
      url: `redis://127.0.0.1:${port}`,
      ...{ cli, start },
      count: async (pattern: string) => (await cli('keys', pattern)).split('\n').filter(Boolean).length,
      async kill() {
        server?.kill('SIGKILL')
        await server?.exited
      },
      signal: (signal: 'SIGSTOP' | 'SIGCONT') => server?.kill(signal),
    }
  })
}
