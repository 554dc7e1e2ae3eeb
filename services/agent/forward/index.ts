export { type ForwardProxy, forwardProxy } from './forward.ts'
