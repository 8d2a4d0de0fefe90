import type { Colour, Paint } from '../paint.ts'
import { oneLine, plural } from '../text.ts'
import type { SchemaReport, SchemaState } from './compare.ts'

const COLOUR: Readonly<Record<SchemaState, Colour>> = {
  registered: 'green',
  compatible: 'green',
  new: 'cyan',
  missing: 'red',
  incompatible: 'red',
}

/** Whether a start would stop at it. */
export function isRefused({ state }: SchemaReport): boolean {
  return state === 'incompatible' || state === 'missing'
}

export function reportText(reports: readonly SchemaReport[], paint: Paint): string {
  if (reports.length === 0) return 'The topology has no schemas of a registry.\n'
  const lines = reports.flatMap(report => {
    const { subject, state, id, latestId, problems, changes, isWritten, isRead } = report
    const uses = [...(isRead ? ['read'] : []), ...(isWritten ? ['written'] : [])].join(' and ')
    const ids = id !== null ? ` (schema ${id}${id === latestId ? '' : `, latest ${latestId}`})` : ''
    return [
      `${paint(COLOUR[state], state.padEnd(13))}${paint('bold', oneLine(subject))}${ids}, ${uses}`,
      ...(state === 'missing' ? ['             a start does not register it (autoRegister is false)'] : []),
      ...problems.map(problem => paint('red', `             ${oneLine(problem)}`)),
      ...changes.map(change => paint('dim', `             ${oneLine(change)}`)),
    ]
  })
  const refused = reports.filter(isRefused).length
  const verdict = refused === 0 ? paint('green', 'all fit') : paint('red', `${refused} would stop a start`)
  return `${lines.join('\n')}\n\n${plural(reports.length, 'schema')}: ${verdict}\n`
}
