import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { CommandFailed, run } from '../../kit/run.ts'
import { startProcess } from '../../kit/start-process.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

describe('a command that is run', () => {
  test('gets its input and returns what it printed', async () => {
    const { stdout, stderr } = await run('sh', ['-c', 'cat; echo noise >&2'], { input: 'to and fro' })
    expect({ stdout, stderr }).toEqual({ stdout: 'to and fro', stderr: 'noise\n' })
  })

  test('rejects with the end of its output when it exits with a failure', async () => {
    const failing = run('sh', ['-c', 'seq 100; echo because >&2; exit 3'])
    await expect(failing).rejects.toMatchObject({ name: 'CommandFailed', exitCode: 3, stderr: 'because\n' })
    await expect(failing).rejects.toThrow(/exited with 3\n71\n(\d+\n){28}100\nbecause$/)
  })

  test('rejects when there is no such command', async () => {
    await expect(run('no-such-command', [])).rejects.toThrow('no-such-command could not be started')
  })

  test('is killed with its children when its time is up', async () => {
    await expect(run('sh', ['-c', 'sleep 60 & sleep 60'], { timeoutMs: 50 })).rejects.toThrow('was cut off')
  })

  test('is killed when its time is up though only a child of it is left', async () => {
    await expect(run('sh', ['-c', 'sleep 60 & exit 1'], { timeoutMs: 50 })).rejects.toThrow('was cut off')
  })

  test('is killed when its signal fires', async () => {
    const controller = new AbortController()
    const running = run('sleep', ['60'], { signal: controller.signal })
    controller.abort()
    await expect(running).rejects.toBeInstanceOf(CommandFailed)
  })
})

describe('a process that is started', () => {
  test('is ready once its check no longer throws, and hands over what the check found', async () => {
    await using process = await startProcess({
      command: 'sh',
      args: ['-c', 'echo port 4711; exec sleep 60'],
      ready: ({ stdout }) => portIn(stdout),
    })
    expect(process.ready).toBe('4711')
  })

  test('fails at once, with its output, when it exits before it is ready', async () => {
    const starting = startProcess({ command: 'sh', args: ['-c', 'echo bad flag >&2; exit 2'], ready: never })
    await expect(starting).rejects.toThrow(/exited with 2\nbad flag/)
  })

  test('leaves nothing running when it does not become ready in time', async () => {
    await using folder = await tempFolder()
    const pidFile = join(folder.path, 'pid')
    const starting = startProcess({
      command: 'sh',
      args: ['-c', `echo $$ > ${pidFile}; exec sleep 60`],
      ready: never,
      readyTimeoutMs: 300,
    })
    await expect(starting).rejects.toThrow('not yet')
    expect(await isAlive(Number(await readFile(pidFile, 'utf8')))).toBe(false)
  })

  test('is given up when its signal fires, with nothing left running', async () => {
    const controller = new AbortController()
    const pids: string[] = []
    const starting = startProcess({
      command: 'sh',
      args: ['-c', 'echo $$; exec sleep 60'],
      signal: controller.signal,
      ready: ({ stdout }) => {
        if (stdout !== '') pids.push(stdout)
        if (pids.length > 0) controller.abort()
        return never()
      },
    })
    await expect(starting).rejects.toThrow('did not become ready')
    expect(await isAlive(Number(pids[0]))).toBe(false)
  })

  test('takes a child along that has left its process group and its parent', async () => {
    await using folder = await tempFolder()
    const pidFile = join(folder.path, 'pid')
    const process = await startProcess({
      command: 'sh',
      args: ['-c', `setsid sh -c 'echo $$ > ${pidFile}; exec sleep 60' & wait`],
      ready: async () => Number(await readFile(pidFile, 'utf8')) || never(),
    })
    expect(await isAlive(process.ready)).toBe(true)
    await process[Symbol.asyncDispose]()
    expect(await isAlive(process.ready)).toBe(false)
  })

  test('is killed when it ignores the request to end', async () => {
    const process = await startProcess({
      command: 'sh',
      args: ['-c', 'trap "" TERM; echo up; while :; do sleep 60; done'],
      ready: ({ stdout }) => stdout || never(),
      graceMs: 50,
    })
    await process[Symbol.asyncDispose]()
    expect(await isAlive(process.pid)).toBe(false)
  })
})

test('the package installer does nothing when every program is there, and names what is missing to others', async () => {
  await using folder = await tempFolder()
  const script = join(import.meta.dirname, '..', '..', 'kit', 'install-packages.js')
  const source = await readFile(script, 'utf8')
  const kit = join(folder.path, 'kit')
  await mkdir(kit)
  await writeFile(join(kit, 'package.json'), '{"type":"module"}')
  await writeFile(join(kit, 'install-packages.js'), source.replace('process.getuid?.()', '1000'))
  await copyFile(join(dirname(script), 'install-helm.js'), join(kit, 'install-helm.js'))
  await writeFile(join(kit, 'helm-packages.json'), '{}')
  const tryWith = async (packages: object) => {
    await writeFile(join(kit, 'debian-packages.json'), JSON.stringify(packages))
    return run(process.execPath, [join(kit, 'install-packages.js')])
  }
  expect(await tryWith({ coreutils: 'ls' })).toEqual({ stdout: '', stderr: '' })
  await expect(tryWith({ coreutils: 'ls', 'not-there': 'no-such-program' })).rejects.toThrow(
    'apt-get install --no-install-recommends not-there',
  )
})

test('eventually gives up with the last failure, at the latest when the attempt has seen its signal', async () => {
  let attempts = 0
  const hanging = eventually(
    (signal) => {
      attempts += 1
      if (attempts < 3) never()
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('cut'))))
    },
    { timeoutMs: 200 },
  )
  await expect(hanging).rejects.toThrow('cut')
  expect(attempts).toBe(3)
})

function never(): never {
  throw new Error('not yet')
}

function portIn(output: string): string {
  return /port (\d+)/.exec(output)?.[1] ?? never()
}

/** False also for a zombie, which only waits for its parent. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => ') X')
  return !/\) [XZ]/.test(stat)
}
