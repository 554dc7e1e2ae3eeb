import type { ServiceDoor, ServiceKind } from '../../lib/service/index.ts'
import { agentDoor } from '../agent/index.ts'
import { buildIndexDoor } from '../build-index/index.ts'
import { controllerDoor } from '../controller/index.ts'
import { managerDoor } from '../manager/index.ts'
import { originDoor } from '../origin/index.ts'
import { proxyDoor } from '../proxy/index.ts'
import { trackerDoor } from '../tracker/index.ts'

/** The entrance (`ServiceDoor`) of every service in the table. */
export const doors: Readonly<Record<ServiceKind, ServiceDoor>> = {
  buildIndex: buildIndexDoor,
  tracker: trackerDoor,
  origin: originDoor,
  agent: agentDoor,
  proxy: proxyDoor,
  controller: controllerDoor,
  manager: managerDoor,
}
