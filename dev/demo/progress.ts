import { MultiBar, type SingleBar } from 'cli-progress'

export interface ProgressStep {
  readonly label: string
  readonly total: number
}

const LINE_EVERY_MS = 5_000

/** Bars on a terminal; elsewhere a line now and then. */
export class Progress {
  readonly #stream: NodeJS.WriteStream
  readonly #steps: readonly ProgressStep[]
  readonly #values: number[]
  readonly #now: () => number
  readonly #bars: { readonly all: MultiBar; readonly each: readonly SingleBar[] } | undefined
  #lastLineAt: number

  constructor(
    stream: NodeJS.WriteStream,
    steps: readonly ProgressStep[],
    now: () => number = () => performance.now(),
  ) {
    this.#stream = stream
    this.#steps = steps
    this.#values = steps.map(() => 0)
    this.#now = now
    this.#lastLineAt = now()
    if (!stream.isTTY) return
    const width = Math.max(...steps.map(({ label }) => label.length))
    const all = new MultiBar({
      stream,
      format: '{label} {bar} {value}/{total}',
      barsize: 30,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      // Left as they are, so that an end at any moment leaves the terminal as it was.
      hideCursor: null,
      linewrap: null,
      gracefulExit: false,
    })
    const each = steps.map(({ label, total }) => all.create(total, 0, { label: label.padEnd(width) }))
    this.#bars = { all, each }
  }

  /** One value per step, in their order. */
  show(values: readonly number[]): void {
    for (const [index, value] of values.entries()) {
      this.#values[index] = value
      this.#bars?.each[index]?.update(value)
    }
    if (this.#bars !== undefined || this.#now() - this.#lastLineAt < LINE_EVERY_MS) return
    this.#lastLineAt = this.#now()
    const parts = this.#steps.map(({ label, total }, index) => `${label} ${this.#values[index]}/${total}`)
    this.#stream.write(`${parts.join(', ')}\n`)
  }

  stop(): void {
    this.#bars?.all.stop()
  }
}
