export { createApp } from './create-app.ts'
export type { EventLoopDelay } from './observability/event-loop-watch.ts'
export type { App, AppEvents, AppStats, Readiness, SourceStats, TaskStats } from './runtime/app.ts'
export type { AppState } from './runtime/lifecycle.ts'
export type { DeliveryStats } from './runtime/delivery/delivery-stage.ts'
export type { TablePartitionStats, TableProgress, TableState, TableStats } from './runtime/tables/tables.ts'
export type { CounterSnapshot, ParkingCounts } from './observability/counters.ts'
export { Histogram, type HistogramValue } from './observability/histogram.ts'
export {
  MetricSet,
  type MetricCatalog,
  type MetricDefinition,
  type MetricFamily,
  type MetricSample,
} from './observability/metric.ts'
export { APP_METRICS } from './observability/app-metric-catalog.ts'
export type { CommitHistory, CommitPoint } from './observability/commit-log.ts'
export { APP_OPTIONS, type AppConfig, type AppOptions, type Logger } from './config.ts'

export { topology, type TopologyBuilder } from './dsl/builder.ts'
export type { KStream, SplitStreams } from './dsl/stream.ts'
export type { GlobalKTable, KTable, Table } from './dsl/table.ts'
export type { RecordPredicate } from './dsl/inference.ts'
export type {
  ChoiceOptions,
  DeliverOptions,
  EnrichOptions,
  InnerJoinOptions,
  LeftJoinOptions,
  ParkedInnerJoin,
  ParkedJoin,
  RepartitionOptions,
  RowJoiner,
  SourceOptions,
  SplitOptions,
  StepOptions,
} from './dsl/step-options.ts'
export type { Topology } from './plan/topology.ts'
export type {
  SourceDescription,
  StepDescription,
  SubTopologyDescription,
  TableDescription,
  TopologyDescription,
} from './plan/describe.ts'
export type {
  EnrichContext,
  FailurePolicy,
  KeyValue,
  MissingRow,
  OffsetReset,
  RetryPolicy,
} from './plan/node.ts'
export type { StepOutline, TableOutline, TopologyOutline } from './plan/outline.ts'
export type { CompiledTopology, DropReason } from './plan/compiled.ts'
export type {
  DeliveryAssignment,
  DeliveryCall,
  DeliveryFailure,
  DeliveryItem,
  DeliveryOutcome,
  DeliveryRejection,
  DeliveryRepetition,
  DeliverySent,
  Destination,
} from './operators/destination.ts'

export {
  streamTopic,
  tableTopic,
  type AnyTopic,
  type StreamTopic,
  type TableTopic,
  type TopicOptions,
} from './topic.ts'
export type { RecordContext, RecordHeader, RecordHeaders, TopicPartition } from './record.ts'

export { avro, avroFields, type AvroFieldName, type AvroFieldsOf, type AvroOptions } from './serde/avro.ts'
export { avroOneOf, type AvroOneOfOptions, type OneOfValue } from './serde/avro-one-of.ts'
export { defineAvro, type AvroSchema } from './serde/avro-schema.ts'
export type { AvroDecimal, AvroValueOptions, InferAvro } from './serde/infer-avro.ts'
export { bytes, int32, int64, json, string } from './serde/primitives.ts'
export { SchemaNotLoaded, type Codec, type Serde, type SerdeContext, type SerdeValue } from './serde/serde.ts'
export { HttpSchemaRegistry, type HttpSchemaRegistryOptions } from './serde/http-schema-registry.ts'
export type { Compatibility, RegisteredSchema, SchemaRegistry } from './serde/schema-registry.ts'

export {
  createKafkaClient,
  type ClientLogger,
  type KafkaClientOptions,
} from './client/platformatic/kafka-client.ts'
export {
  createSpectator,
  type Spectator,
  type SpectatorOptions,
  type UnwrittenRecord,
} from './client/spectator/spectator.ts'
export { spectatorRegistry } from './client/spectator/spectator-registry.ts'
export type {
  Admin,
  BatchProducer,
  CommitOffset,
  FetchedBatch,
  Fetcher,
  FetcherOptions,
  FetchListener,
  GroupAdmin,
  GroupDescription,
  GroupListener,
  GroupMember,
  GroupMemberDescription,
  GroupOptions,
  KafkaClient,
  OffsetSpec,
  ProduceBatch,
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
