/** What a service without a topology needs to answer a scrape; nothing here loads the streams. */
export { CONTENT_TYPES, expose, formatFor, type ExpositionFormat } from './exposition.ts'
export { PROCESS_METRICS, processMetrics } from './process-metrics.ts'
