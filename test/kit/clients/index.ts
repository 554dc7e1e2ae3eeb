export {
  type Containerd,
  type HostsInit,
  hostsToml,
  type PulledImage,
  type PullOptions,
  startContainerd,
} from './containerd.ts'
export { type ContainerTools, containerTools } from './containers.ts'
export { type DebianRegistry, startDebianRegistry } from './debian-registry.ts'
export { type BuiltImage, type Dockerd, type DockerdInit, startDockerd } from './dockerd.ts'
export { type Nginx, type NginxInit, startNginx } from './nginx.ts'
export { hasClients, requireClients, requireRoot } from './requirements.ts'
