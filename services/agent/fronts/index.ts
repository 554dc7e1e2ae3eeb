export { clientFront } from './client-front.ts'
export { readers } from './readers.ts'
