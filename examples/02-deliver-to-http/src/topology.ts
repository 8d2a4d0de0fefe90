import { json, streamTopic, string, topology, type Topology } from '@tributary/topology'
import { searchIndex, type Activity } from './search-index.ts'

export const activities = streamTopic('activities', { key: string(), value: json<Activity>() })

export function indexer(url: string): Topology {
  const builder = topology('indexer')
  builder.stream(activities).deliver({ destination: searchIndex(url), maxBatchItems: 50, lingerMs: 200 })
  return builder.build()
}
