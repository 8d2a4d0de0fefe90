import { MetricSet, type MetricFamily } from '@tributary/topology/metrics'

/** Of the process, named as Prometheus' own client libraries name them. */
export const PROCESS_METRICS = {
  process_start_time_seconds: {
    type: 'gauge',
    unit: 'seconds',
    labels: [],
    help: 'Start of the process since the epoch',
  },
  process_cpu_seconds_total: {
    type: 'counter',
    unit: 'seconds',
    labels: [],
    help: 'Time on a processor, in user and in system mode',
  },
  process_resident_memory_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'Resident memory',
  },
  nodejs_heap_size_total_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'Size of the JavaScript heap',
  },
  nodejs_heap_size_used_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'Used part of the JavaScript heap',
  },
  nodejs_external_memory_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'Memory of objects that JavaScript refers to outside its heap, as buffers and table rows',
  },
  nodejs_version_info: {
    type: 'gauge',
    unit: '1',
    labels: ['version'],
    help: 'The version of Node.js',
  },
} as const

export function processMetrics(): readonly MetricFamily[] {
  const set = new MetricSet(PROCESS_METRICS)
  const { user, system } = process.cpuUsage()
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage()
  set.add('process_start_time_seconds', {}, performance.timeOrigin / 1_000)
  set.add('process_cpu_seconds_total', {}, (user + system) / 1_000_000)
  set.add('process_resident_memory_bytes', {}, rss)
  set.add('nodejs_heap_size_total_bytes', {}, heapTotal)
  set.add('nodejs_heap_size_used_bytes', {}, heapUsed)
  set.add('nodejs_external_memory_bytes', {}, external)
  set.add('nodejs_version_info', { version: process.version }, 1)
  return set.families()
}
