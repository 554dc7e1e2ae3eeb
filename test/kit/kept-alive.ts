/**
 * For servers of tests: they close no idle connection. A client that sends its next request at that moment would see a
 * failure, and on a busy machine the moment comes by itself.
 */
export const keptAlive = { keepAliveTimeout: 0 } as const
