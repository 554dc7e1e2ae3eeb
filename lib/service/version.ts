/** What this process says that it runs; the same as in package.json. */
export const SHOAL_VERSION = '0.1.0'
