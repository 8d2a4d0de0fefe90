import { BenchError } from '../bench-error.ts'
import type { Ground } from '../ground.ts'
import type { Variant } from '../job/variant.ts'
import type { Contestant, ProgramCommand } from './contestant.ts'

export interface ReadyContestant {
  readonly contestant: Contestant
  readonly command: ProgramCommand
}

/** Those that can take part here; the others are told. @throws BenchError, StackError */
export async function prepareContestants(
  ground: Ground,
  { contestants, variant }: { readonly contestants: readonly Contestant[]; readonly variant: Variant },
  say: (line: string) => void,
): Promise<readonly ReadyContestant[]> {
  const ready: ReadyContestant[] = []
  for (const contestant of contestants) {
    if (contestant.lacks?.includes(variant.steps) === true) {
      say(`${contestant.title} is left out: it does not do the variant ${variant.name}.`)
      continue
    }
    const prepared = await contestant.prepare(ground)
    if ('missing' in prepared) say(`${contestant.title} is left out: ${prepared.missing}.`)
    else ready.push({ contestant, command: prepared })
  }
  if (ready.length === 0) throw new BenchError('BENCH_SET_UP', 'No contestant is left.')
  return ready
}
