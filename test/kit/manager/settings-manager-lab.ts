import { type AdminClient, adminClient, managerApi } from '../../../lib/api/index.ts'
import { type FakeClock, seededRandom } from '../../../lib/base/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { managerSchema } from '../../../services/manager/config.ts'
import { managerService } from '../../../services/manager/service.ts'
import type { SteeredClusters } from '../../../services/manager/settings/steered-clusters.ts'
import { buildResource } from '../resource-stack.ts'
import { disposableHttp } from '../scripted-server.ts'
import { tempFolder } from '../temp-folder.ts'

export interface SettingsManagerLab extends AsyncDisposable {
  /** What shows the secret of admins. */
  readonly admin: AdminClient<typeof managerApi>
  readonly http: HttpClient
  readonly url: string
  /** The first page of the console for who has no account yet: it makes one of an admin. */
  readonly welcome: string
}

export interface SettingsManagerLabInit {
  /** Default: the real one. */
  readonly clock?: FakeClock
  /** Further keys of its config. */
  readonly config?: object
}

/** A manager on its own database that knows these clusters. */
export const settingsManagerLab = (
  clusters: SteeredClusters,
  { clock, config: keys }: SettingsManagerLabInit = {},
): Promise<SettingsManagerLab> =>
  buildResource(async (stack) => {
    const { path: folder } = stack.own(await tempFolder('manager'))
    const bind = { bind: '127.0.0.1:auto' }
    const config = managerSchema.parse({ folder, http: bind, ops: bind, admin: bind, ...keys })
    const parts = { metrics: recordingMetrics(), logger: silentLogger(), random: seededRandom(3), steered: clusters }
    let welcome = ''
    const onFirstAdminLink = (link: string) => {
      welcome = link
    }
    const service = managerService({ ...parts, onFirstAdminLink, ...(clock !== undefined && { clock }) }, config)
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    await service.start()
    const http = stack.own(disposableHttp())
    return { welcome, http, url: service.adminUrl, admin: adminClient(http, service.adminUrl, managerApi) }
  })
