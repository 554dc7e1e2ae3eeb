import { collectGarbage } from '../../lib/base/index.ts'
import { threadDigester } from '../../lib/metainfo/index.ts'

/** Run as a process of its own: prints its resident bytes before, while and after a thread hashed shared memory. */
const [size = 0, times = 0] = process.argv.slice(2).map(Number)

const digester = threadDigester()
await digester.start()

async function rested(): Promise<number> {
  await digester.rest()
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  return process.memoryUsage.rss()
}

async function hashOne(): Promise<void> {
  const bytes = new Uint8Array(new SharedArrayBuffer(size)).fill(1)
  await digester.digest(bytes.subarray(0, 1024 * 1024))
}

const before = await rested()
for (let i = 0; i < times; i += 1) await hashOne()
const used = process.memoryUsage.rss()
await rested()
const after = await rested()
await hashOne()
await digester.stop()
process.stdout.write(JSON.stringify({ before, used, after }))
