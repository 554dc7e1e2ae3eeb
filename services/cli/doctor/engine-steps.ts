import { codeOf } from '../../../lib/base/index.ts'
import { sizeText } from '../admin/sheet.ts'
import { askedOf } from '../explain/asked.ts'
import { type Finding, fail, ok, skipped, warn } from './finding.ts'
import { servesStrangers, smallImage } from './small-image.ts'
import type { Visit } from './visit.ts'

const NO_ENGINE = 'no container engine answers here; name one with --engine'

/** Whether the engine runs. */
export async function engineRuns(visit: Visit): Promise<readonly Finding[]> {
  const { engine } = visit.init
  if (engine === undefined) return [skipped(NO_ENGINE)]
  const running = await engine.running()
  if (running === true) return [ok(`${engine.name} answers`)]
  return [fail(`${engine.name} does not answer: ${running}`, 'start it, and run the doctor as root')]
}

/** The config with which the engine really pulls, as it tells it. */
export async function engineConfig(visit: Visit): Promise<readonly Finding[]> {
  const { engine } = visit.init
  if (engine === undefined) return [skipped(NO_ENGINE)]
  const told = await engine.effective()
  if (typeof told === 'string') return [skipped(told)]
  const advice = `shoal setup ${engine.name} --own HOST, then what it says at the end`
  const { mirrored, trouble, strangers } = told
  if (strangers !== undefined && (await servesStrangers(visit.init))) {
    const text = `${engine.name} asks the agent for ${strangers} without saying so, and the agent takes that for its own: whoever may push here replaces those images`
    return [fail(text, 'set registry.default: none at the agent (docs/operations.md, Which registry a client means)')]
  }
  const named = mirrored.length === 0 ? [] : [ok(`${engine.name} asks the agent first for: ${mirrored.join(', ')}`)]
  if (trouble !== undefined) return [...named, fail(`${engine.name}: ${trouble}`, advice)]
  if (named.length > 0) return named
  if (engine.pullsByAddress)
    return [ok(`${engine.name} has no mirror; it pulls what the name of the image sends to the agent`)]
  return [fail(`${engine.name} asks the agent for no registry at all`, advice)]
}

/** The image to pull: the given one, or a small one of our own under a name with which the engine asks the agent. */
async function imageFor({ init, engine }: Visit): Promise<string | { readonly none: string }> {
  const { image, urls, config } = init
  if (image !== undefined) return image
  if (engine.pullsByAddress) {
    const small = await smallImage(init)
    if (small !== undefined) return `${new URL(urls.registry).host}/${small}`
  } else {
    const told = await engine.effective()
    const hosts = typeof told === 'string' ? [] : told.mirrored
    const own = hosts.includes('_default') ? config.registry.ownNames : []
    for (const host of new Set([...own, ...hosts.filter((each) => each !== '_default')])) {
      const small = await smallImage(init, host)
      if (small !== undefined) return `${host}/${small}`
    }
  }
  return { none: 'the agent lists no image under a name with which this engine asks it; name one with --image' }
}

/** A real pull. */
export async function realPull(visit: Visit): Promise<readonly Finding[]> {
  const { engine, clock } = visit.init
  if (engine === undefined) return [skipped(NO_ENGINE)]
  if ((await engine.running()) !== true) return [skipped(`${engine.name} does not answer`)]
  const image = await imageFor(visit)
  if (typeof image !== 'string') return [skipped(image.none)]
  const sinceMs = Math.floor(clock.now())
  const why = await engine.pull(image)
  visit.pulled = { image, sinceMs }
  const tookMs = Math.round(clock.now() - sinceMs)
  if (why === undefined) return [ok(`${engine.name} pulled ${image} in ${tookMs} ms`)]
  return [
    fail(`${engine.name} could not pull ${image}: ${why}`, `shoal explain ${image} says more, if the agent saw it`),
  ]
}

/** Who answered each request of that pull: the agent must have seen its manifest and its blobs. */
export async function whoAnswered(visit: Visit): Promise<readonly Finding[]> {
  const { pulled } = visit
  if (pulled === undefined) return [skipped('nothing was pulled')]
  const asked = askedOf(pulled.image)
  if (asked.kind !== 'image') return [skipped(`${pulled.image} is not the name of an image`)]
  let rows: Awaited<ReturnType<Visit['pullsSince']>>
  try {
    rows = await visit.pullsSince(pulled.sinceMs)
  } catch (err) {
    return [
      fail(`the agent cannot be asked what it answered (${codeOf(err) ?? 'UNKNOWN'})`, 'see the step agent-admin'),
    ]
  }
  const own = rows.filter(({ repository }) => asked.repositories.includes(repository))
  if (own.length === 0)
    return [
      fail(
        'the agent saw nothing of that pull: the engine got the image elsewhere',
        'the host of the image must be in registry.ownNames of the agent; and see the step engine-config',
      ),
    ]
  const failed = own.filter(({ outcome }) => !['done', 'running', 'unread'].includes(outcome))
  const sum = (part: 'peer' | 'origin' | 'http' | 'cache') => own.reduce((all, { bytes }) => all + bytes[part], 0)
  const count = (kind: string) => own.filter((row) => row.kind === kind).length
  const from = `from its cache ${sizeText(sum('cache'))}, from peers ${sizeText(sum('peer'))}, from origins ${sizeText(sum('origin') + sum('http'))}`
  const text = `the agent answered ${count('lookup')} look-ups, ${count('manifest')} manifests and ${count('blob')} blobs: ${from}`
  if (failed.length > 0) {
    const codes = [...new Set(failed.map(({ outcome }) => outcome))].join(', ')
    return [
      fail(
        `${text}; ${failed.length} of its answers failed: ${codes}`,
        'docs/errors.md; the engine then asks its next host',
      ),
    ]
  }
  if (count('blob') === 0)
    return [warn(`${text}: the engine had the layers before`, 'name an image that is not on this machine: --image')]
  return [ok(text)]
}
