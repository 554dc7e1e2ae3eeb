export type { HttpClient, HttpRequest, HttpResponse } from './http-client.ts'
export type { Exchange, HttpMethod, Route } from './route.ts'
