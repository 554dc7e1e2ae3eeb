export { run } from './main.ts'
export { type HerdPlan, type InstancePlan, planHerd, portCount, type ServiceKind } from './plan.ts'
export { autoPorts } from './ports.ts'
export { type HerdComponents, herdService } from './service.ts'
