import type { TosClient as SdkClient } from '@volcengine/tos-sdk'

export interface ConditionalDeletion {
  readonly bucket: string
  readonly key: string
  /** The headers that carry the condition. */
  readonly headers: Readonly<Record<string, string>>
}

/** The SDK's client, plus the one request that it lacks. */
export interface TosClient extends SdkClient {
  deleteObjectIf(deletion: ConditionalDeletion): Promise<unknown>
}

export type TosClientOptions = ConstructorParameters<typeof SdkClient>[0]

/** Makes a client. The SDK is loaded with the first client, because it is large and most services do not use it. */
export async function tosClient(options: TosClientOptions): Promise<TosClient> {
  const sdk = await import('@volcengine/tos-sdk')

  class ConditionalClient extends sdk.TosClient implements TosClient {
    deleteObjectIf({ bucket, key, headers }: ConditionalDeletion): Promise<unknown> {
      const path = `/${encodeURIComponent(key)}`
      return this.fetch('DELETE', path, {}, { ...headers }, undefined, { subdomainBucket: bucket })
    }
  }
  return new ConditionalClient(options)
}
