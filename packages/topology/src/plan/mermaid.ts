import type { StepDescription, TopologyDescription } from './describe.ts'

/** A flow chart: topics as cylinders, tables looked up by dotted lines, each sub-topology in a box of its own. */
export function describeAsMermaid(topology: TopologyDescription): string {
  const chart = new Chart()
  for (const { id, sources, tables, steps } of topology.subTopologies) {
    chart.open(`s${id}`, `Sub-topology ${id}`)
    for (const { name } of sources) chart.box(name, name)
    for (const { name } of tables) chart.store(name, `${name} (table)`)
    for (const step of steps) chart.box(step.name, label(step))
    chart.close()
  }
  for (const { name } of topology.globalTables) chart.store(name, `${name} (global table)`)
  for (const { sources, tables, steps } of topology.subTopologies) {
    for (const { name, topic, outputs } of sources) {
      chart.arrow(chart.topic(topic), chart.id(name))
      for (const output of outputs) chart.arrow(chart.id(name), chart.id(output))
    }
    for (const { name, topic } of tables) chart.arrow(chart.topic(topic), chart.id(name))
    for (const { name, table, topics = [], outputs } of steps) {
      if (table !== undefined) chart.lookup(chart.id(table), chart.id(name))
      for (const output of outputs) chart.arrow(chart.id(name), chart.id(output))
      for (const topic of topics) chart.arrow(chart.id(name), chart.topic(topic))
    }
  }
  for (const { name, topic } of topology.globalTables) chart.arrow(chart.topic(topic), chart.id(name))
  return chart.text()
}

/** The name, and the kind where the author's own name does not tell it. */
function label({ name, kind }: StepDescription): string {
  return name.includes(kind) ? name : `${name} (${kind})`
}

class Chart {
  readonly #lines = ['flowchart TD']
  readonly #ids = new Map<string, string>()
  #indent = '  '

  /** A step's own names may hold what Mermaid takes for syntax; its ids are numbers. */
  id(name: string): string {
    return this.#idFor(`step ${name}`)
  }

  topic(name: string): string {
    const known = this.#ids.has(`topic ${name}`)
    const id = this.#idFor(`topic ${name}`)
    if (!known) this.#line(`${id}[(${quoted(name)})]`)
    return id
  }

  open(id: string, title: string): void {
    this.#line(`subgraph ${id}[${quoted(title)}]`)
    this.#indent = '    '
  }

  close(): void {
    this.#indent = '  '
    this.#line('end')
  }

  box(name: string, text: string): void {
    this.#line(`${this.id(name)}[${quoted(text)}]`)
  }

  store(name: string, text: string): void {
    this.#line(`${this.id(name)}[[${quoted(text)}]]`)
  }

  arrow(from: string, to: string): void {
    this.#line(`${from} --> ${to}`)
  }

  lookup(from: string, to: string): void {
    this.#line(`${from} -.-> ${to}`)
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`
  }

  #idFor(key: string): string {
    let id = this.#ids.get(key)
    if (id === undefined) {
      id = `n${this.#ids.size}`
      this.#ids.set(key, id)
    }
    return id
  }

  #line(text: string): void {
    this.#lines.push(this.#indent + text)
  }
}

function quoted(text: string): string {
  return `"${text}"`
}
