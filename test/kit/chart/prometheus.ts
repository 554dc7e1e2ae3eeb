import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { searchPath } from '../clients/requirements.ts'
import { buildResource } from '../resource-stack.ts'
import { startProcess } from '../start-process.ts'
import { tempFolder } from '../temp-folder.ts'
import { testPorts } from '../test-ports.ts'

/** What Prometheus asks: an address, and labels that its samples get. */
export interface ScrapedTarget {
  readonly address: string
  readonly labels: Readonly<Record<string, string>>
}

/** A rule as Prometheus judges it. */
export interface JudgedRule {
  readonly name: string
  readonly health: string
  readonly lastError?: string
  readonly state: string
}

/** A real Prometheus that asks its targets each second. */
export interface Prometheus extends AsyncDisposable {
  /** The values of all series of an answer. @throws with what Prometheus says of a wrong query */
  query(query: string): Promise<readonly number[]>
  /** All rules, when each was judged. */
  rules(): Promise<readonly JudgedRule[]>
}

/** Debian's Prometheus, with the file of rules. */
export const startPrometheus = (targets: readonly ScrapedTarget[], rules: string): Promise<Prometheus> =>
  buildResource(async (stack) => {
    const { path } = stack.own(await tempFolder('prometheus'))
    const { web } = (await testPorts(1)).take(0, { web: 0 })
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [rules],
      scrape_configs: targets.map(({ address, labels }, i) => ({
        ...{ job_name: `job-${i}`, static_configs: [{ targets: [address], labels }] },
      })),
    }
    await writeFile(join(path, 'prometheus.json'), JSON.stringify(config))
    const url = `http://127.0.0.1:${web}`
    stack.own(
      await startProcess({
        command: 'prometheus',
        args: [
          ...['--config.file', join(path, 'prometheus.json'), '--storage.tsdb.path', join(path, 'data')],
          ...['--web.listen-address', `127.0.0.1:${web}`],
        ],
        env: { PATH: searchPath },
        ready: async (_, signal) => {
          if (!(await fetch(`${url}/-/ready`, { signal })).ok) throw new Error('Prometheus is not ready')
        },
      }),
    )
    const ask = async (path: string): Promise<unknown> => {
      const answer = (await (await fetch(`${url}/api/v1/${path}`)).json()) as { readonly error?: string; data: unknown }
      if (answer.error !== undefined) throw new Error(`${path}: ${answer.error}`)
      return answer.data
    }
    return {
      async query(query) {
        const { result } = (await ask(`query?query=${encodeURIComponent(query)}`)) as {
          readonly result: readonly { readonly value: readonly [number, string] }[]
        }
        return result.map(({ value: [, text] }) => Number(text))
      },
      async rules() {
        const { groups } = (await ask('rules')) as { readonly groups: readonly { readonly rules: JudgedRule[] }[] }
        return groups.flatMap((group) => group.rules)
      },
    }
  })
