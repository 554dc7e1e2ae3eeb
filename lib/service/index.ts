export { type CommonConfig, commonKeys, type ListenerConfig, rings } from './config.ts'
export { type OpsRoutesInit, opsRoutes, type ReadinessCheck } from './ops-routes.ts'
export { type Program, runProgram } from './run-program.ts'
export {
  clusterHttp,
  type ListenerInit,
  opsListener,
  type Runtime,
  serviceListener,
  serviceRuntime,
} from './runtime.ts'
export { serviceCluster } from './service-cluster.ts'
export { type ServiceState, serviceState } from './service-state.ts'
