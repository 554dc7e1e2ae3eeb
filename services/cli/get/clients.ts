import { type Clock, lifecycle } from '../../../lib/base/index.ts'
import { type HttpClient, httpClient } from '../../../lib/http/index.ts'
import type { Target } from '../admin/target.ts'

/** The clients of one run: of the listener for clients, and of the admin listener. */
export interface Clients {
  readonly http: HttpClient
  readonly adminHttp: HttpClient
}

/** Runs `use` with clients that are stopped afterwards. */
export async function withClients<T>(
  clock: Clock,
  { tls, secret }: Pick<Target, 'tls' | 'secret'>,
  use: (clients: Clients) => Promise<T>,
): Promise<T> {
  const http = httpClient({ clock }, { tls })
  const adminHttp = httpClient({ clock }, { token: secret, tls })
  const clients = lifecycle([http, adminHttp])
  await clients.start()
  try {
    return await use({ http, adminHttp })
  } finally {
    await clients.stop()
  }
}
