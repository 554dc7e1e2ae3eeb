import { join } from 'node:path'
import { makeIndex, twoPlatforms } from '../../kit/images/index.ts'
import type { LoggingIn } from './logging-in.ts'

const docker: LoggingIn = {
  program: 'dockerd',
  async as(user, password, { clients: { dockerd }, registry }) {
    await dockerd.docker(['logout', registry])
    await dockerd.docker(['login', '--username', user, '--password', password, registry])
    const name = (space: string) => `${registry}/${space}/docker:t1`
    return {
      async push(space) {
        await dockerd.build(name(space), { files: { 'a.txt': 'logged in' }, cmd: ['/a.txt'] })
        await dockerd.push(name(space))
      },
      async pull(space) {
        await dockerd.removeImages()
        await dockerd.pull(name(space))
      },
    }
  },
}

/** It has no log-in: credentials come with each command, as they do from the kubelet. */
const containerd: LoggingIn = {
  program: 'ctr',
  async as(user, password, { clients: { containerd: daemon }, registry }) {
    const login = ['--plain-http', '--user', `${user}:${password}`]
    const source = `${registry}/public/image:t1`
    const name = (space: string) => `${registry}/${space}/containerd:t1`
    return {
      async push(space) {
        await daemon.pull(source, { plainHttp: true })
        await daemon.ctr(['images', 'tag', '--force', source, name(space)])
        await daemon.ctr(['images', 'push', ...login, name(space)])
      },
      pull: (space) => daemon.ctr(['images', 'pull', '--snapshotter', 'native', ...login, name(space)]),
    }
  },
}

/** With an index of two platforms, all of which it copies. */
const skopeo: LoggingIn = {
  program: 'skopeo',
  async as(user, password, { clients, registry }) {
    const { tools } = clients
    const auth = ['--authfile', join(tools.folder, 'skopeo.json')]
    await tools.skopeo(['login', ...auth, '--tls-verify=false', '--username', user, '--password', password, registry])
    const index = await makeIndex(join(tools.folder, 'index'), twoPlatforms('log-in'))
    const name = (space: string) => `${registry}/${space}/skopeo:t1`
    return {
      push: (space) => clients.push(index, name(space), '--all', ...auth),
      pull: (space) => clients.pull(name(space), '--all', ...auth),
    }
  },
}

/** Both push what they have built into the storage that they share. */
const builder = (program: 'podman' | 'buildah'): LoggingIn => ({
  program,
  async as(user, password, { clients: { tools }, registry }) {
    const auth = ['--authfile', join(tools.folder, `${program}.json`), '--tls-verify=false']
    await tools[program](['login', ...auth, '--username', user, '--password', password, registry])
    const name = (space: string) => `${registry}/${space}/${program}:t1`
    const made = `localhost/${program}:t1`
    return {
      async push(space) {
        const container = (await tools.buildah(['from', 'scratch'])).stdout.trim()
        await tools.buildah(['commit', '--rm', container, made])
        await tools[program](['push', ...auth, made, `docker://${name(space)}`])
      },
      pull: (space) => tools[program](['pull', ...auth, name(space)]),
    }
  },
})

/** Those of Debian. */
export const engines: Readonly<Record<string, LoggingIn>> = {
  docker,
  containerd,
  'skopeo --all': skopeo,
  podman: builder('podman'),
  buildah: builder('buildah'),
}
