package tributary.bench;

import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.ReadOnlyKeyValueStore;
import org.apache.kafka.streams.state.Stores;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;

/** A large global table on Kafka Streams: loaded, and looked up by interactive queries. Argument: `in-memory` or none. */
public final class Tables {
    private static final long STRIDE = 15_485_863;

    public static void main(String[] arguments) throws InterruptedException, IOException {
        Place place = Place.fromEnvironment();
        String topic = Place.text("BENCH_ROWS_TOPIC");
        boolean inMemory = List.of(arguments).contains("in-memory");
        Serde<Booking> values = FramedAvro.serde(place, Booking.class, -1);
        KeyValueBytesStoreSupplier supplier =
            inMemory ? Stores.inMemoryKeyValueStore("rows") : Stores.persistentKeyValueStore("rows");
        Materialized<String, Booking, KeyValueStore<Bytes, byte[]>> store = Materialized.as(supplier);
        StreamsBuilder builder = new StreamsBuilder();
        builder.globalTable(
            topic, Consumed.with(Serdes.String(), values), store.withKeySerde(Serdes.String()).withValueSerde(values));
        Properties config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, place.group());
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, place.broker());
        config.put(StreamsConfig.STATE_DIR_CONFIG, place.stateDirectory());
        try (KafkaStreams streams = new KafkaStreams(builder.build(), config)) {
            long startedAt = System.nanoTime();
            streams.start();
            while (streams.state() != KafkaStreams.State.RUNNING) Thread.sleep(5);
            tell("loadSeconds", (System.nanoTime() - startedAt) / 1e9);
            tell("loadedRssMiB", rssMiB());
            ReadOnlyKeyValueStore<String, Booking> rows = streams.store(
                StoreQueryParameters.fromNameAndType("rows", QueryableStoreTypes.keyValueStore()));
            long count = Long.parseLong(Place.text("BENCH_ROWS"));
            // RocksDB only estimates how many it has; the lookups prove that they are there.
            tell("rows", inMemory ? rows.approximateNumEntries() : count);
            lookUp(rows, count, Long.parseLong(Place.text("BENCH_LOOKUPS")));
        }
        System.exit(0);
    }

    private static void lookUp(ReadOnlyKeyValueStore<String, Booking> rows, long count, long lookups) {
        long sum = 0;
        long startedAt = System.nanoTime();
        for (long done = 0; done < lookups; done += 1) {
            Booking row = rows.get(customerId(done * STRIDE % count));
            sum += row.getQuantity() + row.getActivityId().length();
        }
        double seconds = (System.nanoTime() - startedAt) / 1e9;
        tell("lookupSum", sum);
        tell("lookupsPerSecond", lookups / seconds);
    }

    private static String customerId(long index) {
        String digits = Long.toString(index);
        return "customer-" + "0".repeat(11 - digits.length()) + digits;
    }

    private static double rssMiB() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) return Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1024;
        }
        throw new IllegalStateException("no VmRSS");
    }

    private static void tell(String figure, double value) {
        System.out.println("figure " + figure + " " + value);
    }
}
