import { useState } from 'preact/hooks'
import type { Snapshot } from '../../../src/snapshot.ts'
import { ask } from '../api.ts'
import { DataTable } from '../data-table.tsx'
import { bytes, count, duration } from '../format.ts'

export function Tables({ snapshot: { tables } }: { readonly snapshot: Snapshot }) {
  const topics = [...new Set(tables.map(({ topic }) => topic))].toSorted()
  if (tables.length === 0) return <p class="quiet">No instance has a table.</p>
  return (
    <>
      <DataTable
        label="Tables"
        columns={['Table', 'Instance', 'State', 'Rows', 'Size', 'To apply', 'Last news', 'Unreadable']}
        words={['Instance', 'State']}
        rows={tables.map(each => ({
          key: `${each.instance}/${each.table}`,
          cells: [
            `${each.table}${each.scope === 'global' ? ' (global)' : ''}`,
            each.instance,
            <span class={each.state === 'live' ? undefined : 'warn'}>{each.state}</span>,
            count(each.rows),
            bytes(each.bytes),
            count(each.lag),
            `${duration(each.stalenessMs)} ago`,
            count(each.malformed),
          ],
        }))}
      />
      <KeyLookup topics={topics} />
    </>
  )
}

interface Row {
  readonly topic: string
  readonly key: string
  readonly state: 'row' | 'tombstone' | 'never-seen'
  readonly partition: number | null
  readonly offset: number | null
  readonly timestampMs: number | null
  readonly homePartition: number | null
  readonly schema?: string
  readonly row?: unknown
}

const STATES = { row: 'has a row', tombstone: 'was deleted', 'never-seen': 'has never been seen' } as const

/** What Kafka has for a key now: the last record of the key in the table's topic. */
function KeyLookup({ topics }: { readonly topics: readonly string[] }) {
  const [found, setFound] = useState<Row>()
  const [note, setNote] = useState('')
  const look = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    setNote('Reading the topic …')
    setFound(undefined)
    try {
      const body = { topic: form.get('topic'), key: form.get('key'), isUnmasked: form.has('isUnmasked') }
      setFound(await ask<Row>('POST', '/api/tables/lookup', body))
      setNote('')
    } catch (error) {
      setNote((error as Error).message)
    }
  }
  return (
    <section aria-labelledby="lookup">
      <h2 id="lookup">Look a key up</h2>
      <form class="line" onSubmit={event => void look(event)}>
        <label>
          Topic
          <select name="topic">
            {topics.map(topic => (
              <option>{topic}</option>
            ))}
          </select>
        </label>
        <label>
          Key
          <input name="key" required maxLength={10_000} autocomplete="off" spellcheck={false} />
        </label>
        <label class="check">
          <input type="checkbox" name="isUnmasked" /> with contents
        </label>
        <button type="submit">Look up</button>
      </form>
      <div role="status">
        {note !== '' && <p>{note}</p>}
        {found !== undefined && <Found found={found} />}
      </div>
    </section>
  )
}

function Found({ found }: { readonly found: Row }) {
  const { topic, key, state, partition, offset, timestampMs, schema, homePartition, row } = found
  const isMisplaced = homePartition !== null && partition !== null && homePartition !== partition
  return (
    <>
      <p>
        <strong>{key}</strong> {STATES[state]}
        {partition !== null && ` at ${topic}-${partition}@${offset}`}
        {timestampMs !== null && `, ${new Date(timestampMs).toISOString()}`}
        {schema !== undefined && `, ${schema}`}
      </p>
      {isMisplaced && (
        <p class="warn">
          The key belongs to partition {homePartition}: joins with a partitioned table miss it here.
        </p>
      )}
      {row !== undefined && <pre tabIndex={0}>{JSON.stringify(row, undefined, 2)}</pre>}
    </>
  )
}
