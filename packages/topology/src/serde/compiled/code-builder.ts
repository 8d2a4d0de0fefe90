/** Collects generated functions and the objects that they use. Names that it gives out are unique in the whole unit. */
export class CodeBuilder {
  readonly #constants = new Map<unknown, string>()
  readonly #defined = new Map<string, unknown>()
  readonly #functions: string[] = []
  #lines: string[] = []
  #count = 0

  /** A name for an object of this program: no text of a schema becomes code but the names of fields, quoted. */
  constant(value: unknown): string {
    const known = this.#constants.get(value)
    if (known !== undefined) return known
    const name = `c${this.#constants.size}`
    this.#constants.set(value, name)
    return name
  }

  /** An object under a name that lines refer to before it is known. */
  define(name: string, value: unknown): void {
    this.#defined.set(name, value)
  }

  name(): string {
    return `v${this.#count++}`
  }

  line(code: string): void {
    this.#lines.push(code)
  }

  /** A line before all others of the function. */
  prepend(code: string): void {
    this.#lines.unshift(code)
  }

  /** Declares a variable of the value of an expression. */
  declare(expression: string): string {
    const name = this.name()
    this.line(`let ${name} = ${expression};`)
    return name
  }

  /** A function of its own, whose lines `fill` adds. */
  function(head: string, fill: () => void): void {
    const outer = this.#lines
    this.#lines = []
    fill()
    this.#functions.push(`function ${head} {\n${this.#lines.join('\n')}\n}`)
    this.#lines = outer
  }

  /** @throws EvalError where the process may not make code of text */
  build(entry: string): unknown {
    const source = `'use strict';\n${this.#functions.join('\n')}\nreturn ${entry};`
    // oxlint-disable-next-line typescript/no-implied-eval
    const make = new Function(...this.#constants.values(), ...this.#defined.keys(), source) as (
      ...constants: unknown[]
    ) => unknown
    return make(...this.#constants.keys(), ...this.#defined.values())
  }
}
