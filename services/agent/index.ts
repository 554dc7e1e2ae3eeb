export { type AgentConfig, agentSchema } from './config.ts'
export { run } from './main.ts'
export { type AgentComponents, type AgentService, agentService } from './service.ts'
