import prom from 'prom-client'
import { readAhead } from '../base/index.ts'
import { loopDelays } from './loop-delays.ts'

const MICROSECONDS = 1e6

/**
 * Metrics of the process under their usual names, read when scraped. The lags are those since the last scrape: how much
 * later than it should the event loop came.
 */
export function registerProcessMetrics(registry: prom.Registry): void {
  const registers = [registry]
  new prom.Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss())
    },
  })
  new prom.Gauge({
    name: 'shoal_read_ahead_bytes',
    help: 'Memory for bytes that were read for clients and have perhaps not been sent yet.',
    registers,
    collect() {
      this.set(readAhead.takenBytes)
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
  registerLags(registers)
}

function registerLags(registers: prom.Registry[]): void {
  const delays = loopDelays()
  const gauge = (of: string, help: string, collect?: () => void) =>
    new prom.Gauge({
      name: `nodejs_eventloop_lag_${of}_seconds`,
      help: `${help} of the event loop since the last scrape.`,
      registers,
      ...(collect === undefined ? {} : { collect }),
    })
  // A scrape reads the gauges in this order: the first one reads the delays for all three.
  gauge('p50', 'Median delay', function (this: prom.Gauge) {
    const { p50, p99, max } = delays()
    this.set(p50)
    lagP99.set(p99)
    lagMax.set(max)
  })
  const lagP99 = gauge('p99', '99th percentile of the delay')
  const lagMax = gauge('max', 'Longest delay')
}
