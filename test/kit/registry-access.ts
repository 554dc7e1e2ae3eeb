import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import type { RegistryClient } from './registry-client.ts'

/** The line of a user; of the lowest cost, so that tests are quick. */
export const passwordLine = (user: string, password: string, cost = 4): string =>
  `${user}:${hashSync(password, cost).replace('$2b$', '$2y$')}`

/** A file of users and their passwords in `folder`. */
export async function passwordFile(
  folder: string,
  users: Readonly<Record<string, string>>,
  cost?: number,
): Promise<string> {
  const path = join(folder, 'htpasswd')
  await writeFile(
    path,
    Object.entries(users)
      .map(([user, password]) => passwordLine(user, password, cost))
      .join('\n'),
  )
  return path
}

export const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** Asks the token service of a registry, as a client does after a challenge. */
export async function tokenFor(client: RegistryClient, scopes: readonly string[], headers = {}): Promise<string> {
  const query = new URLSearchParams(scopes.map((scope) => ['scope', scope] as [string, string]))
  const answer = await client.send('GET', `/token?service=shoal&${query.toString()}`, { headers })
  if (answer.status !== 200) throw new Error(`the token service answered ${answer.status}`)
  return (answer.json() as { readonly token: string }).token
}
