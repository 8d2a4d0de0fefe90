package tributary.bench;

import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.StateRestoreListener;

import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;

/**
 * The job on Kafka Streams. Arguments: `in-memory` stores instead of RocksDB, `tuned` batches and buffers, `low-latency`,
 * `threads=N`.
 * Everything else is at its default.
 */
public final class Main {
    public static void main(String[] arguments) throws InterruptedException {
        List<String> options = List.of(arguments);
        Place place = Place.fromEnvironment();
        Properties config = config(place, options);
        StreamsBuilder builder = new StreamsBuilder();
        new Job(place, options.contains("in-memory")).build(builder);
        Topology topology = builder.build(config);
        KafkaStreams streams = new KafkaStreams(topology, config);
        streams.setGlobalStateRestoreListener(new Restored());
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            // At once: the harness has to notice, and hooks may wait for what no longer runs.
            Runtime.getRuntime().halt(1);
            return StreamThreadExceptionResponse.SHUTDOWN_APPLICATION;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        System.out.println("bench tables-loading " + System.currentTimeMillis());
        streams.start();
        new CountDownLatch(1).await();
    }

    private static Properties config(Place place, List<String> options) {
        Properties config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, place.group());
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, place.broker());
        config.put(StreamsConfig.STATE_DIR_CONFIG, place.stateDirectory());
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        // In its favour: without it the customers are written to a changelog topic once more.
        config.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
        if (place.exactlyOnce()) {
            config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        }
        for (String option : options) {
            if (option.startsWith("threads=")) {
                config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Integer.parseInt(option.substring(8)));
            }
        }
        if (options.contains("tuned")) tune(config);
        if (options.contains("low-latency")) {
            // Kafka Streams' own default is 100 ms.
            config.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 0);
            config.put(StreamsConfig.MAX_TASK_IDLE_MS_CONFIG, StreamsConfig.MAX_TASK_IDLE_MS_DISABLED);
        }
        return config;
    }

    private static void tune(Properties config) {
        config.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 128 * 1024);
        config.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 64L * 1024 * 1024);
        config.put(StreamsConfig.producerPrefix(ProducerConfig.SEND_BUFFER_CONFIG), 1024 * 1024);
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10_000);
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 8 * 1024 * 1024);
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.RECEIVE_BUFFER_CONFIG), 1024 * 1024);
        config.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
    }

    /** Of the global table. The customers of a new group are not restored but read by the task itself. */
    private static final class Restored implements StateRestoreListener {
        @Override
        public void onRestoreStart(TopicPartition partition, String store, long from, long to) {}

        @Override
        public void onBatchRestored(TopicPartition partition, String store, long end, long count) {}

        @Override
        public void onRestoreEnd(TopicPartition partition, String store, long total) {
            System.out.println("bench table-loaded " + System.currentTimeMillis() + " " + total);
        }
    }
}
