export { run } from './main.ts'
export { type HerdPlan, type InstancePlan, planHerd, portCount, type ServiceKind } from './plan.ts'
export type { Ports } from './ports.ts'
export { type HerdComponents, herdService } from './service.ts'
