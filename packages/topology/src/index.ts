export { createApp } from './create-app.ts'
export type { App, AppEvents, AppStats, Readiness, SourceStats, TaskStats } from './runtime/app.ts'
export type { AppState } from './runtime/lifecycle.ts'
export { APP_OPTIONS, type AppConfig, type AppOptions, type Logger } from './config.ts'

export { topology, type TopologyBuilder } from './dsl/builder.ts'
export type { KStream } from './dsl/stream.ts'
export type { GlobalKTable, KTable } from './dsl/table.ts'
export type { Topology } from './plan/topology.ts'
export type {
  EnrichContext,
  FailurePolicy,
  KeyValue,
  MissingRow,
  OffsetReset,
  RetryPolicy,
} from './plan/node.ts'
export type { CompiledTopology } from './plan/compiled.ts'
export type { DeliveryItem, DeliveryOutcome, Destination } from './operators/destination.ts'

export { streamTopic, tableTopic, type StreamTopic, type TableTopic, type TopicOptions } from './topic.ts'
export type { RecordContext, RecordHeader, RecordHeaders, TopicPartition } from './record.ts'

export { avro, type AvroOptions } from './serde/avro.ts'
export { avroOneOf, type AvroOneOfOptions, type OneOfValue } from './serde/avro-one-of.ts'
export { defineAvro, type AvroSchema } from './serde/avro-schema.ts'
export type { AvroDecimal, AvroValueOptions, InferAvro } from './serde/infer-avro.ts'
export { bytes, int32, int64, json, string } from './serde/primitives.ts'
export { SchemaNotLoaded, type Codec, type Serde, type SerdeContext, type SerdeValue } from './serde/serde.ts'
export { HttpSchemaRegistry } from './serde/http-schema-registry.ts'
export type { RegisteredSchema, SchemaRegistry } from './serde/schema-registry.ts'

export { createKafkaClient } from './client/platformatic/kafka-client.ts'
export type {
  Admin,
  BatchProducer,
  Fetcher,
  GroupMember,
  KafkaClient,
  TopicDescription,
  TopicSpec,
} from './client/ports.ts'
export {
  adviceForUnknown,
  retryAdviceOf,
  TopologyError,
  type RetryAdvice,
  type TopologyErrorCode,
} from './errors.ts'
export { backoffMs } from './backoff.ts'
export { systemClock, type Clock } from './clock.ts'
export { partitionForKey } from './wire/murmur2.ts'
