import com.fasterxml.jackson.databind.ObjectMapper;
import io.apicurio.registry.serde.SerdeConfig;
import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import io.apicurio.registry.serde.config.IdOption;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Conversion;
import org.apache.avro.Conversions;
import org.apache.avro.LogicalType;
import org.apache.avro.Schema;
import org.apache.avro.data.TimeConversions;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.utils.Utils;

/**
 * Reads topics of Avro records from their beginning to where they end now, and prints a line of JSON per record:
 * {"topic", "partition", "offset", "key", "keyPartition", "schema", "value"}. `keyPartition` is where Java's default
 * partitioner would have put the key, `schema` the full name of the record's schema. Decimals are printed as text,
 * timestamps as ISO 8601 in UTC with milliseconds, a tombstone as null.
 *
 * java -cp … Reader.java BROKERS REGISTRY_URL TOPIC… (the URL is that of Apicurio's own API, …/apis/registry/v2)
 */
public final class Reader {
    private static final Duration DEADLINE = Duration.ofSeconds(30);
    private static final DateTimeFormatter ISO_MILLIS = new DateTimeFormatterBuilder().appendInstant(3).toFormatter();
    private static final GenericData LOGICAL_TYPES = new GenericData();

    static {
        LOGICAL_TYPES.addLogicalTypeConversion(new Conversions.DecimalConversion());
        LOGICAL_TYPES.addLogicalTypeConversion(new TimeConversions.TimestampMillisConversion());
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, Object> config = Map.of(
            ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0],
            ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class,
            ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, AvroKafkaDeserializer.class,
            ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed",
            SerdeConfig.REGISTRY_URL, arguments[1],
            // Confluent's wire format: a content id of four bytes before the record, and none in a header.
            SerdeConfig.ENABLE_HEADERS, false,
            SerdeConfig.ENABLE_CONFLUENT_ID_HANDLER, true,
            SerdeConfig.USE_ID, IdOption.contentId.name());
        List<String> topics = Arrays.asList(arguments).subList(2, arguments.length);
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        try (KafkaConsumer<String, GenericRecord> consumer = new KafkaConsumer<>(config)) {
            read(consumer, topics, out);
        }
        out.flush();
    }

    private static void read(KafkaConsumer<String, GenericRecord> consumer, List<String> topics, PrintStream out)
            throws Exception {
        ObjectMapper json = new ObjectMapper();
        Map<String, Integer> partitionCounts = new LinkedHashMap<>();
        List<TopicPartition> partitions = new ArrayList<>();
        for (String topic : topics) {
            int count = consumer.partitionsFor(topic).size();
            partitionCounts.put(topic, count);
            for (int partition = 0; partition < count; partition++) partitions.add(new TopicPartition(topic, partition));
        }
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);

        Instant deadline = Instant.now().plus(DEADLINE);
        while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
            if (Instant.now().isAfter(deadline)) throw new IllegalStateException("The end was not reached in " + DEADLINE);
            for (ConsumerRecord<String, GenericRecord> record : consumer.poll(Duration.ofMillis(100))) {
                out.println(json.writeValueAsString(describe(record, partitionCounts.get(record.topic()))));
            }
        }
    }

    private static Map<String, Object> describe(ConsumerRecord<String, GenericRecord> record, int partitionCount) {
        byte[] key = record.key().getBytes(StandardCharsets.UTF_8);
        GenericRecord value = record.value();
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("topic", record.topic());
        line.put("partition", record.partition());
        line.put("offset", record.offset());
        line.put("key", record.key());
        line.put("keyPartition", Utils.toPositive(Utils.murmur2(key)) % partitionCount);
        line.put("schema", value == null ? null : value.getSchema().getFullName());
        line.put("value", value == null ? null : plain(value, value.getSchema()));
        return line;
    }

    /** As maps, lists, texts, numbers, booleans and null. */
    private static Object plain(Object datum, Schema schema) {
        if (schema.getType() == Schema.Type.UNION) {
            return plain(datum, schema.getTypes().get(LOGICAL_TYPES.resolveUnion(schema, datum)));
        }
        LogicalType logicalType = schema.getLogicalType();
        if (logicalType != null) return logical(datum, schema, logicalType);
        switch (schema.getType()) {
            case RECORD:
                Map<String, Object> fields = new LinkedHashMap<>();
                for (Schema.Field field : schema.getFields()) {
                    fields.put(field.name(), plain(((GenericRecord) datum).get(field.pos()), field.schema()));
                }
                return fields;
            case ARRAY:
                List<Object> items = new ArrayList<>();
                for (Object item : (Iterable<?>) datum) items.add(plain(item, schema.getElementType()));
                return items;
            case STRING, ENUM:
                return datum.toString();
            case BOOLEAN, INT, LONG, FLOAT, DOUBLE, NULL:
                return datum;
            default:
                throw new IllegalStateException("No form in JSON for " + schema);
        }
    }

    private static Object logical(Object datum, Schema schema, LogicalType logicalType) {
        Conversion<?> conversion = LOGICAL_TYPES.getConversionFor(logicalType);
        if (conversion == null) throw new IllegalStateException("No form in JSON for " + schema);
        Object value = Conversions.convertToLogicalType(datum, schema, logicalType, conversion);
        return value instanceof BigDecimal decimal ? decimal.toPlainString() : ISO_MILLIS.format((Instant) value);
    }
}
