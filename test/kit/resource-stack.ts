/** Owns several disposables, for resources that outlive one test, as with `beforeAll` and `afterAll`. */
export interface ResourceStack extends AsyncDisposable {
  /** Takes ownership of `resource` and returns it. */
  own<T extends AsyncDisposable>(resource: T): T
}

/** Disposes in reverse order; every resource is disposed, then the first failure is thrown. */
export function resourceStack(): ResourceStack {
  const owned: AsyncDisposable[] = []
  return {
    own(resource) {
      owned.push(resource)
      return resource
    },
    async [Symbol.asyncDispose]() {
      const failures: unknown[] = []
      for (let resource = owned.pop(); resource !== undefined; resource = owned.pop()) {
        try {
          await resource[Symbol.asyncDispose]()
        } catch (error) {
          failures.push(error)
        }
      }
      if (failures.length > 0) throw failures[0]
    },
  }
}

/** Builds a resource from several parts; when the build fails, the parts built so far are disposed. */
export async function buildResource<T>(build: (stack: ResourceStack) => Promise<T>): Promise<T & AsyncDisposable> {
  const stack = resourceStack()
  try {
    const built = await build(stack)
    return Object.assign({}, built, { [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() })
  } catch (error) {
    await stack[Symbol.asyncDispose]()
    throw error
  }
}
