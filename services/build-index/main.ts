import { Command } from 'commander'
import { loadConfig } from '../../lib/config/index.ts'
import { buildIndexSchema } from './config.ts'
import { buildIndexService } from './service.ts'

const collect = (value: string, before: readonly string[]) => [...before, value]

interface Flags {
  readonly config?: string
  readonly secrets?: string
  readonly set: readonly string[]
}

/** Runs one build-index until SIGTERM or SIGINT, then drains it; a second signal ends it at once. */
export async function run(argv: readonly string[]): Promise<void> {
  const { config, secrets, set } = new Command('build-index')
    .description('Repositories: tags, manifests and links, in the backing store.')
    .option('--config <file>', 'YAML file; config/build-index/base.yaml shows every key')
    .option('--secrets <file>', 'YAML file over the config, for what must not stand in it')
    .option('--set <a.b=c>', 'one key over the files; may be given again', collect, [])
    .parse(argv, { from: 'user' })
    .opts<Flags>()
  try {
    const sources = { file: config, secretsFile: secrets, env: process.env, overrides: set }
    const service = buildIndexService({}, await loadConfig(buildIndexSchema, sources))
    const stop = () => {
      process.off('SIGTERM', stop).off('SIGINT', stop)
      service.stop().then(() => process.exit(0), fail)
    }
    await service.start()
    process.on('SIGTERM', stop).on('SIGINT', stop)
  } catch (err) {
    fail(err)
  }
}

function fail(err: unknown): void {
  const reason = typeof err === 'object' && err !== null && 'message' in err ? String(err.message) : String(err)
  process.stderr.write(`build-index: ${reason}\n`)
  process.exit(1)
}

if (process.argv[1] === import.meta.filename) await run(process.argv.slice(2))
