export { type ForwardProxy, forwardProxy } from './forward.ts'
export { type UrlBlobs, urlBlobs, urlRoute } from './url-blobs.ts'
