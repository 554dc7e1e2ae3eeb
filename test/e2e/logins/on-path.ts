import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LoggingIn } from './logging-in.ts'

const crane: LoggingIn = {
  program: 'crane',
  async as(user, password, { clients: { tools, image }, registry }) {
    await tools.other('crane', ['auth', 'login', registry, '--username', user, '--password', password])
    const name = (space: string) => `${registry}/${space}/crane:t1`
    return {
      push: (space) => tools.other('crane', ['push', '--insecure', image.folder, name(space)]),
      pull: (space) => tools.other('crane', ['pull', '--insecure', name(space), join(tools.folder, 'crane.tar')]),
    }
  },
}

const oras: LoggingIn = {
  program: 'oras',
  async as(user, password, { clients: { tools }, registry }) {
    await tools.other('oras', ['login', '--plain-http', '--username', user, '--password', password, registry])
    const cwd = join(tools.folder, 'oras')
    await mkdir(cwd, { recursive: true })
    await writeFile(join(cwd, 'a.txt'), 'logged in')
    const name = (space: string) => `${registry}/${space}/oras:t1`
    return {
      push: (space) => tools.other('oras', ['push', '--plain-http', name(space), 'a.txt:text/plain'], { cwd }),
      pull: (space) => tools.other('oras', ['pull', '--plain-http', '--output', 'pulled', name(space)], { cwd }),
    }
  },
}

const helm: LoggingIn = {
  program: 'helm',
  async as(user, password, { clients: { tools }, registry }) {
    const login = ['--plain-http', '--username', user, '--password', password]
    await tools.other('helm', ['registry', 'login', ...login, registry])
    const cwd = join(tools.folder, 'charts')
    await mkdir(join(cwd, 'chart', 'templates'), { recursive: true })
    await writeFile(join(cwd, 'chart', 'Chart.yaml'), 'apiVersion: v2\nname: chart\nversion: 0.1.0+build.1\n')
    await tools.other('helm', ['package', 'chart'], { cwd })
    const pushed = 'chart-0.1.0+build.1.tgz'
    return {
      push: (space) => tools.other('helm', ['push', '--plain-http', pushed, `oci://${registry}/${space}`], { cwd }),
      async pull(space) {
        // Without a version it lists the tags.
        const chart = [`oci://${registry}/${space}/chart`, '--devel', '--destination', join(cwd, 'pulled')]
        await mkdir(join(cwd, 'pulled'), { recursive: true })
        await tools.other('helm', ['pull', '--plain-http', ...chart], { cwd })
      },
    }
  },
}

const regctl: LoggingIn = {
  program: 'regctl',
  async as(user, password, { clients: { tools, image }, registry }) {
    await tools.other('regctl', ['registry', 'set', '--skip-check', '--tls', 'disabled', registry])
    await tools.other('regctl', ['registry', 'login', registry, '--user', user, '--pass', password])
    const name = (space: string) => `${registry}/${space}/regctl:t1`
    const copy = (from: string, to: string) => tools.other('regctl', ['image', 'copy', from, to])
    return {
      push: (space) => copy(`ocidir://${image.folder}:image`, name(space)),
      pull: (space) => copy(name(space), `ocidir://${join(tools.folder, 'regctl')}:t1`),
    }
  },
}

const cosign: LoggingIn = {
  program: 'cosign',
  async as(user, password, { clients: { tools }, registry }) {
    await tools.other('cosign', ['login', registry, '--username', user, '--password', password])
    const file = join(tools.folder, 'signed.txt')
    await writeFile(file, 'logged in')
    const name = (space: string) => `${registry}/${space}/cosign:t1`
    return {
      push: (space) => tools.other('cosign', ['upload', 'blob', '--allow-http-registry', '-f', file, name(space)]),
      pull: (space) => tools.other('cosign', ['tree', '--allow-http-registry', name(space)]),
    }
  },
}

/** Those that Debian does not have: they are tested where they are installed. */
export const onPath: Readonly<Record<string, LoggingIn>> = { crane, oras, helm, regctl, cosign }
