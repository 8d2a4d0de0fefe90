/** Where Kafka and the schema registry are: the ones of compose.yaml, unless the environment names others. */
export const brokers: string[] = (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(',')
export const registry: string = process.env['SCHEMA_REGISTRY_URL'] ?? 'http://localhost:8081/apis/ccompat/v7'
