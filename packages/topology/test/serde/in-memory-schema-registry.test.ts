import { InMemorySchemaRegistry } from '../../src/serde/in-memory-schema-registry.ts'
import { registryConformance } from './schema-registry-conformance.ts'

registryConformance('in memory', () =>
  Promise.resolve({ registry: new InMemorySchemaRegistry(), subject: 'bookings-value' }),
)
