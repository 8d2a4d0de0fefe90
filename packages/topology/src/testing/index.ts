export {
  TopologyTestDriver,
  type DeadLetterRecord,
  type DriverOptions,
  type PutOptions,
  type TestInputTopic,
  type TestOutputTopic,
  type TestRecord,
} from './topology-test-driver.ts'
export type { TestTableTopic } from './test-tables.ts'
export type { LoggedRecord } from './test-log.ts'
export { TestClock } from './test-clock.ts'
export { InMemorySchemaRegistry } from '../serde/in-memory-schema-registry.ts'
