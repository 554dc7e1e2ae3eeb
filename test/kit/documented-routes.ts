import { digestOf } from '../../lib/core/index.ts'
import { type ServiceKind, serviceFacts, serviceKinds } from '../../lib/service/index.ts'
import { docTable } from './doc-table.ts'

/** A request that the docs promise, with an example for each part of its path. */
export interface DocumentedRoute {
  readonly kind: ServiceKind
  /** As in the table of services. */
  readonly listener: string
  readonly method: string
  readonly path: string
  /** `none`, or the right that the caller needs. */
  readonly right: string
}

const examples: Readonly<Record<string, string>> = {
  ':namespace': 'team%2Fapp',
  ':repository': 'team%2Fapp',
  '<name>': 'team/app',
  '<reference>': '1.0',
  ':tag': '1.0',
  '*rest': 'team/app/none',
  '<session>': 'some-session',
  ':digest': digestOf(Buffer.from('nobody has this')),
  '<digest>': digestOf(Buffer.from('nobody has this')),
}
const exampleOf = (path: string) =>
  path.replace(/\?.*$/, '').replace(/:\w+|<\w+>|\*\w+/g, (name) => examples[name] ?? 'x')

const bodyMethods = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

const kindsOf = (name: string): readonly ServiceKind[] =>
  serviceKinds.filter((kind) => name === 'Every service' || serviceFacts(kind).name === name)

/** Every documented request of every service; a new row joins by itself. */
export const documentedRoutes: readonly DocumentedRoute[] = [
  ...docTable('docs/endpoints.md', ['method', 'path', 'right', 'what']),
  ...docTable('docs/endpoints.md', ['method', 'OCI path', 'right', 'what']).map((row) => ({
    ...row,
    heading: 'proxy: registry listener',
    path: row['OCI path'],
  })),
].flatMap(({ method, heading, path, right }) => {
  const [service = '', name = ''] = heading.replace(/ listener$/, '').split(': ')
  // What a manager serves, it serves at both.
  const at = service === 'manager' ? ['http', 'admin'] : [name === 'main' ? 'http' : name]
  return kindsOf(service).flatMap((kind) =>
    at.flatMap((listener) =>
      method.split(' ').map((each) => ({ kind, listener, method: each, path: exampleOf(path), right })),
    ),
  )
})

/** Those of them whose request may carry a body. */
export const routesWithBody = documentedRoutes.filter(({ method }) => bodyMethods.has(method))
