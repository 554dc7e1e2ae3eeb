import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { dashboards } from './dashboards.ts'
import { chartFolder } from './helm.ts'

/** A rule of docker/chart/files/alerts.yaml. */
export interface Alert {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export const alertsFile = join(chartFolder, 'files', 'alerts.yaml')

const file = parse(readFileSync(alertsFile, 'utf8')) as { readonly groups: readonly { readonly rules: Alert[] }[] }
export const alerts: readonly Alert[] = file.groups.flatMap(({ rules }) => rules)

/** A query of a panel, with what Grafana fills in. */
export interface PanelQuery {
  readonly where: string
  readonly query: string
}

export const panelQueries: readonly PanelQuery[] = Object.entries(dashboards).flatMap(([name, { panels }]) =>
  panels.flatMap(({ title, lines }) =>
    lines.map(([legend, query]) => ({
      where: `${name}: ${title}, ${legend}`,
      query: query.replaceAll('$namespace', '.*').replaceAll('$__rate_interval', '10s'),
    })),
  ),
)

/** The metrics that a query reads; of a histogram, its own name. */
export const metricsOf = (query: string): readonly string[] => [
  ...new Set(
    [...query.matchAll(/\b(?:shoal|process|nodejs)_[a-z0-9_]+/g)].map(([name]) =>
      name.replace(/_(?:bucket|sum|count)$/, ''),
    ),
  ),
]

/** Labels that a query asks metrics for, by metric. */
export const labelsOf = (query: string): readonly (readonly [metric: string, labels: readonly string[]])[] =>
  [...query.matchAll(/\b((?:shoal|process|nodejs)_[a-z0-9_]+)\{([^}]*)\}/g)].map(([, metric = '', inside = '']) => [
    metric.replace(/_(?:bucket|sum|count)$/, ''),
    [...inside.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
  ])

/** The series that a query reads, each as a query: metrics with what it asks of their labels. */
export const selectorsOf = (query: string): readonly string[] =>
  [...query.matchAll(/\b(?:shoal|process|nodejs)_[a-z0-9_]+(?:\{[^}]*\})?/g)].map(([selector]) => selector)
