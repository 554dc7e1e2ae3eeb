import { servePacedObjects } from './paced-objects.ts'

/* A paced store in a process of its own: store-host.ts <bytes per second> <milliseconds of latency>. Prints its URL. */
const [bytesPerSecond = 0, latencyMs = 0] = process.argv.slice(2).map(Number)
const { url } = await servePacedObjects({ bytesPerSecond, latencyMs })
process.stdout.write(`${url}\n`)
