import { appError } from '../../../lib/base/index.ts'
import { withRegistryMirror } from './daemon-json.ts'
import type { Engine } from './engine.ts'
import { plainUrl, type SetupRequest } from './request.ts'

const DAEMON_JSON = '/etc/docker/daemon.json'
const HUB = 'docker.io'

function namesNote({ agent, hosts, all }: SetupRequest): readonly string[] {
  const others = hosts.filter(({ host }) => host !== HUB)
  if (others.length === 0 && !all) return []
  const which = others.length === 0 ? 'any other registry' : others.map(({ host }) => host).join(', ')
  return [
    `docker asks its mirrors only for images of ${HUB}. For ${which} the name of the image says the agent: docker pull ${agent.host}/team/app:1`,
  ]
}

/** docker has a setting for mirrors of its Hub only; for all else the name of the image says where to ask. */
export const docker: Engine = {
  name: 'docker',
  what: 'registry-mirrors in daemon.json, for images of docker.io',
  record: 'docker',
  async plan(request, files) {
    if (request.fallback.kind !== 'registry') {
      throw appError('CONFIG_INVALID', {
        message: `docker always asks ${HUB} in the end; --fallback cannot change that`,
      })
    }
    const isHub = request.all || request.hosts.some(({ host }) => host === HUB)
    const names = namesNote(request)
    if (!isHub) return { files: [], notes: names }
    const before = await files.read(DAEMON_JSON)
    const after = withRegistryMirror(before, DAEMON_JSON, plainUrl(request.agent))
    return { files: [{ path: DAEMON_JSON, before, after }], notes: names }
  },
  reload: () => 'docker reads its mirrors again without a restart: systemctl reload docker (SIGHUP)',
}
