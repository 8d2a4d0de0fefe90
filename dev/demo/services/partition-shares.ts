import type { ServiceProcess } from './service-processes.ts'

interface StatusAnswer {
  readonly tasks: readonly { readonly sources: readonly { readonly topic: string }[] }[]
}

/** How many partitions of its topic each process holds, as it says itself. */
export async function readPartitionShares(
  processes: readonly ServiceProcess[],
  topic: string,
): Promise<readonly number[]> {
  return await Promise.all(
    processes.map(async ({ url }) => {
      const { tasks } = (await (await fetch(`${url}/status`)).json()) as StatusAnswer
      return tasks.flatMap(({ sources }) => sources).filter(source => source.topic === topic).length
    }),
  )
}
