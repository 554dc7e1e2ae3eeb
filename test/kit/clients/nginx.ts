import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { buildResource } from '../resource-stack.ts'
import { startProcess } from '../start-process.ts'
import { sandbox } from './sandbox.ts'

/** nginx serving a folder; the benchmarks compare shoal with it. */
export interface Nginx extends AsyncDisposable {
  /** `http://127.0.0.1:port`. */
  readonly url: string
}

export interface NginxInit {
  /** The folder it serves at `/`. */
  readonly root: string
  /** Bytes per second of each answer; default: unlimited. */
  readonly answerRate?: number
}

/** Starts nginx with sendfile, no logs and keep-alive. */
export function startNginx({ root, answerRate }: NginxInit): Promise<Nginx> {
  return buildResource(async (stack) => {
    const box = stack.own(await sandbox('nginx'))
    const url = `http://127.0.0.1:${await freePort()}`
    const config = join(box.path, 'nginx.conf')
    await mkdir(join(box.path, 'scratch'))
    await writeFile(config, settings({ folder: box.path, root, listen: new URL(url).host, answerRate }))
    stack.own(
      await startProcess({
        command: 'nginx',
        args: ['-p', box.path, '-e', 'stderr', '-c', config],
        env: box.env,
        async ready(_output, signal) {
          const answer = await fetch(url, { signal })
          await answer.body?.cancel()
        },
      }),
    )
    return { url }
  })
}

/** A port that was free a moment ago, because nginx does not accept port 0. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

interface Settings {
  readonly folder: string
  readonly root: string
  readonly listen: string
  readonly answerRate: number | undefined
}

const settings = ({ folder, root, listen, answerRate = 0 }: Settings) => `
daemon off;
user root;
worker_processes 2;
pid ${folder}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000;
  limit_rate ${answerRate};
  default_type application/octet-stream;
  client_body_temp_path ${folder}/scratch/body;
  proxy_temp_path ${folder}/scratch/proxy;
  fastcgi_temp_path ${folder}/scratch/fastcgi;
  uwsgi_temp_path ${folder}/scratch/uwsgi;
  scgi_temp_path ${folder}/scratch/scgi;
  server { listen ${listen}; root ${root}; }
}
`
