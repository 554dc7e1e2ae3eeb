import { nydusdConfigPath, nydusProxyIn } from '../setup/nydus.ts'
import { STARGZ_CONFIG, stargzHosts } from '../setup/stargz.ts'
import { type Finding, fail, ok, skipped, warn } from './finding.ts'
import type { Visit } from './visit.ts'

/** Whether nydusd reads through the agent, and may. */
export async function nydusConfig({ init }: Visit): Promise<readonly Finding[]> {
  const path = await nydusdConfigPath(init.files)
  const text = await init.files.read(path)
  if (text === undefined) return [skipped(`there is no ${path}: nydus is not on this machine`)]
  const url = nydusProxyIn(text, path)?.['url']
  const advice = 'shoal setup nydus --all, then what it says at the end'
  if (typeof url !== 'string' || url === '')
    return [warn(`${path} names no proxy: nydusd asks registries itself`, advice)]
  if (url.replace(/\/$/, '') !== init.urls.registry) return [warn(`${path} names another proxy: ${url}`, advice)]
  if (init.isConfigGiven && init.config.registry.forward.to === 'none')
    return [
      fail('nydusd asks the agent as a proxy, and the agent is none', 'set registry.forward.to: auto at the agent'),
    ]
  return [ok(`nydusd reads through the agent, as ${path} says`)]
}

/** Whether the snapshotter of stargz reads through the agent. */
export async function stargzConfig({ init }: Visit): Promise<readonly Finding[]> {
  const text = await init.files.read(STARGZ_CONFIG)
  if (text === undefined) return [skipped(`there is no ${STARGZ_CONFIG}: stargz is not on this machine`)]
  const hosts = stargzHosts(text, new URL(init.urls.registry))
  if (hosts.length === 0)
    return [warn(`${STARGZ_CONFIG} names the agent for no registry`, 'shoal setup stargz --own HOST')]
  const named = (isSaid: boolean) => hosts.filter((each) => each.isSaid === isSaid).map(({ host }) => host)
  const [said, unsaid] = [named(true), named(false)]
  return [
    ...(said.length === 0 ? [] : [ok(`stargz reads layers through the agent first for: ${said.join(', ')}`)]),
    ...(unsaid.length === 0
      ? []
      : [
          warn(
            `stargz does not tell the agent that layers are of: ${unsaid.join(', ')}`,
            `give their mirrors in ${STARGZ_CONFIG} the header that docs/engines/stargz.md shows`,
          ),
        ]),
  ]
}
