import type { RealClients } from '../../kit/clients/index.ts'

/** What somebody does who has logged in with a client. A space is the first part of the names there. */
export interface Session {
  push(space: string): Promise<unknown>
  pull(space: string): Promise<unknown>
}

/** A client that logs in at a registry. */
export interface LoggingIn {
  /** The program that must be on the path. */
  readonly program: string
  /** @throws where the client asks the registry at its log-in, and it refuses */
  as(user: string, password: string, place: LoginPlace): Promise<Session>
}

export interface LoginPlace {
  readonly clients: RealClients
  /** `host:port`. */
  readonly registry: string
}
