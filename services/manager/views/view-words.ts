import type { Exchange } from '../../../lib/http/index.ts'

export const PAGE = { max: 1000, usual: 100, least: 1 }

export const given = ({ query }: Exchange, name: string): string | undefined => {
  const value = query.get(name)
  return value === null || value === '' ? undefined : value
}
export const param = ({ params }: Exchange, name: string): string => params[name] ?? ''
