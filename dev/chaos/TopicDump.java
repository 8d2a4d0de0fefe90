import java.io.BufferedOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Prints a topic from its beginning to where it ends now, as a reader in read_committed sees it; a line per record:
 * partition, offset, timestamp, key, value, then name and value of each header, separated by spaces. Bytes are in Base64,
 * null is '-'; of more than a megabyte only '#', their number and their SHA-256 are printed.
 *
 * java -cp … TopicDump.java BROKERS TOPIC
 */
public final class TopicDump {
    private static final int MOST_BYTES = 1_000_000;
    private static final Duration DEADLINE = Duration.ofSeconds(120);

    public static void main(String[] arguments) {
        Map<String, Object> config = Map.of(
            ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0],
            ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class,
            ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class,
            ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        PrintStream out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false, StandardCharsets.UTF_8);
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(config)) {
            dump(consumer, arguments[1], out);
        }
        out.flush();
    }

    private static void dump(KafkaConsumer<byte[], byte[]> consumer, String topic, PrintStream out) {
        List<TopicPartition> partitions = new ArrayList<>();
        consumer.partitionsFor(topic).forEach(info -> partitions.add(new TopicPartition(topic, info.partition())));
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
        Instant deadline = Instant.now().plus(DEADLINE);
        while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
            if (Instant.now().isAfter(deadline)) throw new IllegalStateException("The end was not reached in " + DEADLINE);
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) print(record, out);
        }
    }

    private static void print(ConsumerRecord<byte[], byte[]> record, PrintStream out) {
        StringBuilder line = new StringBuilder()
            .append(record.partition()).append(' ').append(record.offset()).append(' ').append(record.timestamp());
        line.append(' ').append(text(record.key())).append(' ').append(text(record.value()));
        for (Header header : record.headers()) {
            line.append(' ').append(text(header.key().getBytes(StandardCharsets.UTF_8)));
            line.append(' ').append(text(header.value()));
        }
        out.println(line);
    }

    private static String text(byte[] bytes) {
        if (bytes == null) return "-";
        if (bytes.length <= MOST_BYTES) return Base64.getEncoder().encodeToString(bytes);
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
            return "#" + bytes.length + ":" + HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
