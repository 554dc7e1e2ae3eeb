export { may, type Principal, type Right } from './principal.ts'
