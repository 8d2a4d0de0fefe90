import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as api from '@tributary/topology'
import * as testing from '@tributary/topology/testing'

test('@tributary/topology has these names, and no other', () => {
  assert.deepEqual(Object.keys(api), [
    'APP_METRICS',
    'APP_OPTIONS',
    'Histogram',
    'HttpSchemaRegistry',
    'MetricSet',
    'SchemaNotLoaded',
    'TopologyError',
    'adviceForUnknown',
    'avro',
    'avroFields',
    'avroOneOf',
    'backoffMs',
    'bytes',
    'createApp',
    'createKafkaClient',
    'createSpectator',
    'defineAvro',
    'int32',
    'int64',
    'json',
    'partitionForKey',
    'retryAdviceOf',
    'spectatorRegistry',
    'streamTopic',
    'string',
    'systemClock',
    'tableTopic',
    'topology',
  ])
})

test('@tributary/topology/testing has these names, and no other', () => {
  assert.deepEqual(Object.keys(testing), ['InMemorySchemaRegistry', 'TestClock', 'TopologyTestDriver'])
})
