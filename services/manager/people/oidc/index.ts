export { oidcSchema } from './config.ts'
export { oidcProvider } from './provider.ts'
export { type OidcRoutesComponents, oidcRoutes } from './routes.ts'
