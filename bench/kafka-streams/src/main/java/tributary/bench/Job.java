package tributary.bench;

import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.GlobalKTable;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** The job as a Java team writes it. */
final class Job {
    /** No schema's id: what a store writes it never reads by an id of the registry. */
    private static final int STORE_SCHEMA = -1;
    private static final int FEWEST_OF_FILTERED = 4;

    private record WithCustomer(Booking booking, Customer customer) {}

    private record Enriched(Booking booking, Customer customer, Activity activity) {}

    private final Place place;
    private final boolean inMemory;

    Job(Place place, boolean inMemory) {
        this.place = place;
        this.inMemory = inMemory;
    }

    void build(StreamsBuilder builder) {
        Serde<String> keys = Serdes.String();
        Serde<Booking> bookingValues = FramedAvro.serde(place, Booking.class, STORE_SCHEMA);
        Serde<Customer> customerValues = FramedAvro.serde(place, Customer.class, STORE_SCHEMA);
        Serde<Activity> activityValues = FramedAvro.serde(place, Activity.class, STORE_SCHEMA);
        Serde<MarketingEvent> eventValues = FramedAvro.serde(place, MarketingEvent.class, place.eventSchemaId());

        KTable<String, Customer> customers = builder.table(
            place.customers(), Consumed.with(keys, customerValues), store("customers", customerValues));
        GlobalKTable<String, Activity> activities = builder.globalTable(
            place.activities(), Consumed.with(keys, activityValues), store("activities", activityValues));
        KStream<String, Booking> bookings = builder.stream(place.bookings(), Consumed.with(keys, bookingValues));
        if (place.steps().equals("filtered")) {
            bookings = bookings.filter((key, booking) -> booking.getQuantity() >= FEWEST_OF_FILTERED);
        }
        Joined<String, Booking, Customer> joined = Joined.with(keys, bookingValues, customerValues);
        KStream<String, WithCustomer> withCustomer = place.steps().equals("left-join")
            ? bookings.leftJoin(customers, WithCustomer::new, joined)
            : bookings.join(customers, WithCustomer::new, joined);
        boolean asksApi = place.steps().equals("enriched");
        Places places = new Places(place.apiUrl());
        withCustomer
            .filter((key, pair) -> pair.customer() == null || pair.customer().getMarketingOptIn())
            .join(
                activities,
                (key, pair) -> pair.booking().getActivityId(),
                (pair, activity) -> new Enriched(pair.booking(), pair.customer(), activity))
            .mapValues(all -> toEvent(all, asksApi ? titleWithPlaces(places, all.activity()) : all.activity().getTitle()))
            .to(place.output(), Produced.with(keys, eventValues));
    }

    private <T> Materialized<String, T, KeyValueStore<Bytes, byte[]>> store(String name, Serde<T> values) {
        KeyValueBytesStoreSupplier supplier =
            inMemory ? Stores.inMemoryKeyValueStore(name) : Stores.persistentKeyValueStore(name);
        Materialized<String, T, KeyValueStore<Bytes, byte[]>> materialized = Materialized.as(supplier);
        return materialized.withKeySerde(Serdes.String()).withValueSerde(values);
    }

    private static String titleWithPlaces(Places places, Activity activity) {
        return activity.getTitle() + " (" + places.left(activity.getActivityId()) + " places left)";
    }

    private static MarketingEvent toEvent(Enriched all, String title) {
        Booking booking = all.booking();
        Activity activity = all.activity();
        EventProperties properties = new EventProperties(
            booking.getBookingId(),
            title,
            activity.getCity(),
            activity.getCountry(),
            booking.getStartsAt(),
            booking.getQuantity(),
            booking.getPrice().getAmount(),
            booking.getPrice().getCurrency(),
            all.customer() == null ? "und" : all.customer().getLocale());
        return new MarketingEvent("booking_completed", booking.getCustomerId(), booking.getBookedAt(), properties);
    }
}
