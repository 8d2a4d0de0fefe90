import type { ComponentChildren } from 'preact'

export interface DataTableProps {
  /** What it is a table of, for screen readers. */
  readonly label: string
  readonly columns: readonly string[]
  /** Those of them that hold words; the others hold numbers. */
  readonly words?: readonly string[]
  readonly rows: readonly { readonly key: string; readonly cells: readonly ComponentChildren[] }[]
}

/** A table, which on a narrow screen shows each row as a list with the columns' names. */
export function DataTable({ label, columns, words = [], rows }: DataTableProps) {
  const classOf = (column: string | undefined) => (words.includes(column ?? '') ? 'words' : undefined)
  return (
    <table aria-label={label}>
      <thead>
        <tr>
          {columns.map(column => (
            <th scope="col" class={classOf(column)}>
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, cells }) => (
          <tr key={key}>
            {cells.map((cell, i) =>
              i === 0 ? (
                <th scope="row">{cell}</th>
              ) : (
                <td class={classOf(columns[i])} data-label={columns[i]}>
                  <span>{cell}</span>
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
