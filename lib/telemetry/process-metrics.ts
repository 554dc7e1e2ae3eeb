import { monitorEventLoopDelay } from 'node:perf_hooks'
import prom from 'prom-client'

const NANOSECONDS = 1e9
const MICROSECONDS = 1e6

/**
 * Three metrics of the process under their usual names, read when scraped. The lag is the longest since the last
 * scrape.
 */
export function registerProcessMetrics(registry: prom.Registry): void {
  const lag = monitorEventLoopDelay({ resolution: 20 })
  lag.enable()
  const registers = [registry]
  new prom.Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss())
    },
  })
  new prom.Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU time of the process, user and system.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage()
      this.reset()
      this.inc((user + system) / MICROSECONDS)
    },
  })
  new prom.Gauge({
    name: 'nodejs_eventloop_lag_max_seconds',
    help: 'Longest delay of the event loop since the last scrape.',
    registers,
    collect() {
      this.set(lag.max / NANOSECONDS)
      lag.reset()
    },
  })
}
