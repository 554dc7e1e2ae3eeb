import { type ProcessHost, processHost } from '../../lib/base/index.ts'
import { run as agent } from '../agent/index.ts'
import { run as buildIndex } from '../build-index/index.ts'
import { run as herd } from '../herd/index.ts'
import { run as origin } from '../origin/index.ts'
import { run as proxy } from '../proxy/index.ts'
import { run as tracker } from '../tracker/index.ts'

type Run = (argv: readonly string[], host: ProcessHost) => Promise<number>

const programs: Readonly<Record<string, Run>> = { agent, origin, tracker, 'build-index': buildIndex, proxy, herd }

const [name = '', ...argv] = process.argv.slice(2)
const program = programs[name]
if (program === undefined) {
  process.stderr.write(`usage: shoal <${Object.keys(programs).join('|')}> [--help]\n`)
  process.exitCode = 2
} else process.exitCode = await program(argv, processHost())
