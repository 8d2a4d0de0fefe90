/** For a service without a topology that has metrics of its own: without the rest, which takes some 55 MB of memory. */
export { Histogram, type HistogramValue } from './histogram.ts'
export {
  MetricSet,
  type MetricCatalog,
  type MetricDefinition,
  type MetricFamily,
  type MetricSample,
} from './metric.ts'
