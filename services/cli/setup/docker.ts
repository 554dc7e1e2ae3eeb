import { appError } from '../../../lib/base/index.ts'
import { withRegistryMirror } from './daemon-json.ts'
import type { Engine } from './engine.ts'
import { plainUrl, refuseMount, type SetupRequest } from './request.ts'

const DAEMON_JSON = '/etc/docker/daemon.json'
const HUB = 'docker.io'

const HUB_NOTE = `docker does not say that it means ${HUB}: the agent needs registry.default: none, as it has by default`

const namesNote = ({ agent }: SetupRequest, which: string, isHub: boolean): string => {
  const what = `docker asks its mirrors only for images of ${HUB}. For ${which} the name of the image says the agent`
  if (isHub) return `${what}, by a host of registry.ownHosts`
  return `${what}: docker pull ${agent.host}/team/app:1, with registry.default: own at the agent`
}

function notesOf(request: SetupRequest, isHub: boolean): readonly string[] {
  const others = request.hosts.filter(({ host }) => host !== HUB).map(({ host }) => host)
  const which = others.length === 0 ? 'any other registry' : others.join(', ')
  const isNamed = others.length > 0 || request.all
  return [...(isHub ? [HUB_NOTE] : []), ...(isNamed ? [namesNote(request, which, isHub)] : [])]
}

/** docker has a setting for mirrors of its Hub only; for all else the name of the image says where to ask. */
export const docker: Engine = {
  name: 'docker',
  what: 'registry-mirrors in daemon.json, for images of docker.io',
  record: 'docker',
  async plan(request, files) {
    refuseMount(request, 'docker')
    if (request.fallback.kind !== 'registry') {
      throw appError('CONFIG_INVALID', {
        message: `docker always asks ${HUB} in the end; --fallback cannot change that`,
      })
    }
    const isHub = request.all || request.hosts.some(({ host }) => host === HUB)
    const notes = notesOf(request, isHub)
    if (!isHub) return { files: [], notes }
    const before = await files.read(DAEMON_JSON)
    const after = withRegistryMirror(before, DAEMON_JSON, plainUrl(request.agent))
    return { files: [{ path: DAEMON_JSON, before, after }], notes }
  },
  reload: () => 'docker reads its mirrors again without a restart: systemctl reload docker (SIGHUP)',
}
