package tributary.bench;

import org.apache.avro.Schema;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.specific.SpecificRecordBase;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * Avro records framed as Confluent's serdes frame them, which are not on Maven Central: magic byte 0, the schema's id, the
 * binary value. Decoders, encoders and buffers are reused; each thread has its own, because a topology's threads share its
 * serdes.
 */
final class FramedAvro<T extends SpecificRecordBase> implements Serializer<T>, Deserializer<T> {
    private static final int FRAME_BYTES = 5;

    private final Place place;
    private final Schema schema;
    private final SpecificData model;
    private final int writerId;
    private final ThreadLocal<Tools> tools = ThreadLocal.withInitial(Tools::new);

    private FramedAvro(Place place, Class<T> type, int writerId) {
        this.place = place;
        this.model = SpecificData.getForClass(type);
        this.schema = model.getSchema(type);
        this.writerId = writerId;
    }

    /** Values are written with `writerId`, and read by it or by an id of the registry. */
    static <T extends SpecificRecordBase> Serde<T> serde(Place place, Class<T> type, int writerId) {
        FramedAvro<T> both = new FramedAvro<>(place, type, writerId);
        return Serdes.serdeFrom(both, both);
    }

    @Override
    public T deserialize(String topic, byte[] data) {
        return data == null ? null : tools.get().read(data);
    }

    @Override
    public byte[] serialize(String topic, T value) {
        return value == null ? null : tools.get().write(value);
    }

    private final class Tools {
        private final Map<Integer, SpecificDatumReader<T>> readers = new HashMap<>();
        private final SpecificDatumWriter<T> writer = new SpecificDatumWriter<>(schema, model);
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
        private BinaryDecoder decoder;
        private BinaryEncoder encoder;

        T read(byte[] data) {
            int id = ByteBuffer.wrap(data).getInt(1);
            try {
                decoder = DecoderFactory.get().binaryDecoder(data, FRAME_BYTES, data.length - FRAME_BYTES, decoder);
                return readers.computeIfAbsent(id, this::reader).read(null, decoder);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }

        private SpecificDatumReader<T> reader(int id) {
            Schema written = id == writerId ? schema : place.schemaById(id);
            return new SpecificDatumReader<>(written, schema, model);
        }

        byte[] write(T value) {
            bytes.reset();
            bytes.write(0);
            bytes.write(writerId >>> 24);
            bytes.write(writerId >>> 16);
            bytes.write(writerId >>> 8);
            bytes.write(writerId);
            try {
                encoder = EncoderFactory.get().directBinaryEncoder(bytes, encoder);
                writer.write(value, encoder);
                encoder.flush();
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
            return bytes.toByteArray();
        }
    }

    @Override
    public void configure(Map<String, ?> configs, boolean isKey) {}

    @Override
    public void close() {}
}
