import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.apicurio.registry.serde.SerdeConfig;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import io.apicurio.registry.serde.config.IdOption;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Writes Avro records with Kafka's default partitioner, in the order of the lines of JSON on standard input:
 * {"topic", "key", "schema", "value"}, the value in Avro's JSON encoding, null for a tombstone. Schemas are registered as
 * `<topic>-value`.
 *
 * java -cp … Writer.java BROKERS REGISTRY_URL (the URL is that of Apicurio's own API, …/apis/registry/v2)
 */
public final class Writer {
    private static final Map<JsonNode, Schema> SCHEMAS = new HashMap<>();

    public static void main(String[] arguments) throws Exception {
        Map<String, Object> config = Map.of(
            ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0],
            ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class,
            ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, AvroKafkaSerializer.class,
            SerdeConfig.REGISTRY_URL, arguments[1],
            SerdeConfig.AUTO_REGISTER_ARTIFACT, true,
            // Confluent's wire format: a content id of four bytes before the record, and none in a header.
            SerdeConfig.ENABLE_HEADERS, false,
            SerdeConfig.ENABLE_CONFLUENT_ID_HANDLER, true,
            SerdeConfig.USE_ID, IdOption.contentId.name());
        ObjectMapper json = new ObjectMapper();
        List<Future<?>> sent = new ArrayList<>();
        try (KafkaProducer<String, GenericRecord> producer = new KafkaProducer<>(config);
                BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonNode row = json.readTree(line);
                String topic = row.required("topic").asText();
                sent.add(producer.send(new ProducerRecord<>(topic, row.required("key").asText(), recordOf(row))));
            }
            for (Future<?> each : sent) each.get();
        }
    }

    private static GenericRecord recordOf(JsonNode row) throws IOException {
        JsonNode value = row.required("value");
        if (value.isNull()) return null;
        Schema schema = SCHEMAS.computeIfAbsent(row.required("schema"), node -> new Schema.Parser().parse(node.toString()));
        return new GenericDatumReader<GenericRecord>(schema)
            .read(null, DecoderFactory.get().jsonDecoder(schema, value.toString()));
    }
}
