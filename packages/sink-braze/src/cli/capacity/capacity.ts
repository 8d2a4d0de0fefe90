import type { CliContext } from '../context.ts'
import { calculate } from './calculate.ts'
import { parseValues, questionOf } from './options.ts'
import { jsonReport, textReport } from './report.ts'

const USAGE = `Usage: tributary braze capacity --events-per-second <n> [options]

How many requests to /users/track an event rate needs, and whether the limits carry it. Exit code 0: they carry it, 1: they
do not, 2: called wrongly.

Load:
  --events-per-second <n>       at the peak, over three seconds
  --mean <n>                    over the worst hour (default: the peak)
  --profile <n,n,…>             instead: means of consecutive hours of the clock; without a peak, the largest is the peak
  --attributes-per-event <n>    attributes objects that an event brings with it, 0 to 100 (default: 1)
  --suppressed <share>          of these, not sent because nothing has changed: 0.3 or 30% (default: 0)
  --folding <share>             of the others, folded into one of the same user in the same request (default: 0)
  --backlog <objects>           objects that wait already: how long until they are gone?

Requests:
  --fill <n>                    objects in a full request (default: 70 of 75)
  --linger-ms <n>               how long a request waits to be filled, BRAZE_LINGER_MS (default: 200)

  --latency-ms <n>              from a request to its answer; its place in the window is taken for so much longer, and as
                                many requests are under way at a time (default: 100)

Limits, of the company:
  --contract <name>             data-points: 3,000 requests in 3 s, 75 objects in each (default)
                                legacy: the same, with 75 objects in each array
                                mau (CY 24-25, Universal, Web, Mobile): unpublished, so both limits must be given
  --limit-per-3s <n>            requests in any three seconds
  --limit-per-hour <n>          requests per hour of the clock
  --urgent-reserve <share>      of both, only for requests with an event, BRAZE_URGENT_RESERVE (default: 0.1)
  --partitions <n>              of marketing-events: what each partition, and so each replica, has of the limits
  --replicas <n>                processes that share the partitions (default: 1)

Output:
  --json                        one JSON object

Examples:
  tributary braze capacity --events-per-second 20000 --attributes-per-event 0.5
  tributary braze capacity --contract mau --limit-per-3s 900 --limit-per-hour 250000 --events-per-second 4000 --mean 1500
  tributary braze capacity --profile 200,900,2500,1800 --suppressed 40% --replicas 3 --partitions 12 --backlog 300000
`

/** `tributary braze capacity`: 0 the limits carry the load, 1 they do not. */
export function capacity(args: readonly string[], context: CliContext): number {
  const values = parseValues(args, USAGE)
  if (values.help === true) {
    context.print(USAGE)
    return 0
  }
  const question = questionOf(values)
  const answer = calculate(question.load, question.limits)
  const report = values.json === true ? jsonReport : textReport
  context.print(report(question, answer, context.hasColours))
  return answer.carries ? 0 : 1
}
