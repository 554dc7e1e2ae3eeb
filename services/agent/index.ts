import { serviceDoor } from '../../lib/service/index.ts'
import { agentSchema } from './config.ts'
import { agentService } from './service.ts'

export type { AgentConfig } from './config.ts'
export type { AgentComponents, AgentService } from './service.ts'

export const agentDoor = serviceDoor({ kind: 'agent', schema: agentSchema, make: agentService })
