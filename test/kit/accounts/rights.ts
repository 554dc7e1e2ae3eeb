import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'

/** What a role of Kubernetes lets somebody do. */
export interface Right {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

/** The rights of the role `accounts`, as docs/accounts.md has them. */
export async function documentedRights(): Promise<readonly Right[]> {
  const text = await readFile(join(import.meta.dirname, '../../../docs/accounts.md'), 'utf8')
  const [, block = ''] = /```yaml\n# rights\n([\s\S]*?)```/.exec(text) ?? []
  return (parse(block) as { readonly rules: readonly Right[] }).rules
}
