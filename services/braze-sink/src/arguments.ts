import { parseArgs } from 'node:util'

export interface DryRunArguments {
  /** Goes on with what arrives, instead of ending where the topic ends now. */
  readonly follow: boolean
  /** Records to read, over all partitions; undefined: no limit. */
  readonly limit: number | undefined
}

export type Arguments =
  | { readonly mode: 'serve' }
  | { readonly mode: 'help' }
  | { readonly mode: 'wrong'; readonly problem: string }
  | ({ readonly mode: 'dry-run' } & DryRunArguments)

export const USAGE = `Usage: node dist/main.js [--dry-run [--follow] [--limit <number>]]

Brings marketing events into Braze. The environment says how; see the README.

  --dry-run           sends nothing, and prints what would be sent, one JSON object per line: each request with its endpoint,
                      its size, its body, and for every object the records that it was made of; each rejected record with
                      the reason, rules included; at the end a summary. It reads from where the sink's group stands to the
                      present end of the topic. It joins no group, commits nothing, writes to no topic and no registry.
                      THE BODIES HOLD CUSTOMERS' DATA: that is what it is for. The API key is neither needed nor printed.
  --follow            goes on with what arrives, until it is interrupted
  --limit <number>    ends after so many records
`

export function argumentsOf(args: readonly string[]): Arguments {
  const options = {
    'dry-run': { type: 'boolean' },
    follow: { type: 'boolean' },
    limit: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const
  let values
  try {
    ;({ values } = parseArgs({ args: [...args], options, allowPositionals: false }))
  } catch (error) {
    return { mode: 'wrong', problem: (error as Error).message }
  }
  if (values.help === true) return { mode: 'help' }
  const { follow = false, limit } = values
  if (values['dry-run'] !== true) {
    if (!follow && limit === undefined) return { mode: 'serve' }
    return { mode: 'wrong', problem: '--follow and --limit belong to --dry-run.' }
  }
  if (limit !== undefined && !(/^\d{1,15}$/.test(limit) && Number(limit) > 0)) {
    return { mode: 'wrong', problem: `--limit is '${limit}'; allowed: a whole number from 1.` }
  }
  return { mode: 'dry-run', follow, limit: limit === undefined ? undefined : Number(limit) }
}
