import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { prometheusMetrics } from '../../lib/telemetry/index.ts'

/* A process with an event loop and nothing to do, the baseline of `loop`. Prints the URL of its metrics. */
const metrics = prometheusMetrics({ process: true })
const server = createServer((_, res) => {
  void metrics.expose().then(({ text }) => res.end(text))
}).listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics\n`)
})
