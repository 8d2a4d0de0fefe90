import type { DatabasePool } from '../src/database.ts'

export interface AskedQuery {
  readonly text: string
  readonly values: readonly unknown[]
}

/** A database that answers what the test says, and remembers what it was asked. */
export class FakeDatabase implements DatabasePool {
  readonly asked: AskedQuery[] = []
  rows: unknown[] = []
  failure: Error | undefined
  totalCount = 0
  idleCount = 0
  waitingCount = 0

  query(text: string, values: unknown[] = []): Promise<{ readonly rows: unknown[] }> {
    this.asked.push({ text, values })
    return this.failure === undefined ? Promise.resolve({ rows: this.rows }) : Promise.reject(this.failure)
  }
}
