import { existsSync } from 'node:fs'
import { benches, benchNames } from './benches.ts'

const [name = '', ...args] = process.argv.slice(2)
const bench = benches[name]
if (bench === undefined) {
  process.stderr.write(`usage: npm run bench -- <${benchNames.join('|')}>\n`)
  process.exitCode = 2
} else {
  // The benches do not measure disks: use a file system in memory where there is one.
  if (existsSync('/dev/shm')) process.env['TMPDIR'] ??= '/dev/shm'
  await bench(args)
}
