const FACTORS: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}

/** A whole quantity of Kubernetes, such as `500m` or `2Gi`, as a number; the schema has seen that it is one. */
export function amountOf(quantity: string): number {
  const [, digits = '0', unit = ''] = /^(\d+)([A-Za-z]*)$/.exec(quantity) ?? []
  return Number(digits) * (FACTORS[unit] ?? 1)
}

/** CPUs, as a quantity. */
export const cpuText = (cpus: number): string => `${Math.ceil(cpus * 1000)}m`
