import type { TableView } from '../snapshot.ts'
import type { Watched } from './problems.ts'

/** What is loading, stale or failed stands before what is live. */
export function tableViews(watched: readonly Watched[]): readonly TableView[] {
  return watched
    .flatMap(({ seen, view }) =>
      (seen.answer?.status.tables ?? []).map(each => {
        const { table, topic, scope, state, rows, bytes, lag, stalenessMs, malformed } = each
        const instance = view.name
        return { instance, table, topic, scope, state, rows, bytes, lag, stalenessMs, malformed }
      }),
    )
    .toSorted(
      (a, b) =>
        Number(a.state === 'live') - Number(b.state === 'live') ||
        a.table.localeCompare(b.table) ||
        a.instance.localeCompare(b.instance),
    )
}
