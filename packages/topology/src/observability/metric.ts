import type { HistogramValue } from './histogram.ts'

/** One metric as `docs/reference/metrics.md` lists it. Names follow Prometheus' conventions: base units, `_total`. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** What the value counts or measures: `seconds`, `bytes`, `records`; for a state, `1 or 0`. */
  readonly unit: string
  readonly labels: readonly string[]
  /** One sentence. */
  readonly help: string
}

/** By name. */
export type MetricCatalog = Readonly<Record<string, MetricDefinition>>

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number | HistogramValue
}

/** A metric with its present values. */
export interface MetricFamily extends MetricDefinition {
  readonly name: string
  readonly samples: readonly MetricSample[]
}

type Labels<Definition extends MetricDefinition> = Readonly<Record<Definition['labels'][number], string>>
type Value<Definition extends MetricDefinition> = Definition['type'] extends 'histogram'
  ? HistogramValue
  : number

/** Collects the present values of a catalog's metrics: a misspelt name, a missing label is a type error. */
export class MetricSet<const Catalog extends MetricCatalog> {
  readonly #catalog: Catalog
  readonly #samples = new Map<string, MetricSample[]>()

  constructor(catalog: Catalog) {
    this.#catalog = catalog
    for (const name of Object.keys(catalog)) this.#samples.set(name, [])
  }

  add<Name extends keyof Catalog & string>(
    name: Name,
    labels: Labels<Catalog[Name]>,
    value: Value<Catalog[Name]>,
  ): void {
    this.#samples.get(name)?.push({ labels, value })
  }

  /** One sample per state, 1 for the present one: what holds may be asked for by name, and added up. */
  addStates<Name extends keyof Catalog & string>(
    name: Name,
    present: string,
    samples: readonly { readonly state: string; readonly labels: Labels<Catalog[Name]> }[],
  ): void {
    for (const { state, labels } of samples)
      this.#samples.get(name)?.push({ labels, value: state === present ? 1 : 0 })
  }

  /** In the catalog's order, those without a value now included. */
  families(): readonly MetricFamily[] {
    return Object.entries(this.#catalog).map(([name, definition]) => ({
      name,
      ...definition,
      samples: this.#samples.get(name) ?? [],
    }))
  }
}
