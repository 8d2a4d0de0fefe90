import { GCProfiler, getHeapStatistics } from 'node:v8'

/**
 * The bytes that `work` takes from the JavaScript heap: what the heap has grown by, and what collections have taken out of it
 * meanwhile. What lies outside of the heap, such as the contents of buffers, does not count; their objects do.
 */
export async function bytesAllocated(work: () => Promise<void>): Promise<number> {
  const profiler = new GCProfiler()
  profiler.start()
  const before = getHeapStatistics().used_heap_size
  await work()
  const grown = getHeapStatistics().used_heap_size - before
  const { statistics } = profiler.stop()
  const collected = statistics.map(
    ({ beforeGC, afterGC }) => beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize,
  )
  return grown + collected.reduce((sum, bytes) => sum + bytes, 0)
}
