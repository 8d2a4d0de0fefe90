package tributary.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.avro.Schema;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** Where the program finds things: the harness sets the same variables for every contestant. */
record Place(
    String broker,
    String registryUrl,
    String bookings,
    String customers,
    String activities,
    String output,
    String group,
    String stateDirectory,
    boolean exactlyOnce,
    String steps,
    String apiUrl,
    int eventSchemaId) {

    static Place fromEnvironment() {
        return new Place(
            text("BENCH_BROKER"),
            text("BENCH_REGISTRY"),
            text("BENCH_BOOKINGS"),
            text("BENCH_CUSTOMERS"),
            text("BENCH_ACTIVITIES"),
            text("BENCH_OUTPUT"),
            text("BENCH_GROUP"),
            text("BENCH_STATE_DIRECTORY"),
            text("BENCH_GUARANTEE").equals("exactly-once"),
            text("BENCH_STEPS"),
            text("BENCH_API"),
            Integer.parseInt(text("BENCH_EVENT_SCHEMA_ID")));
    }

    static String text(String name) {
        String value = System.getenv(name);
        if (value == null) throw new IllegalStateException(name + " is not set; the harness sets it");
        return value;
    }

    /** What the registry has under this id. */
    Schema schemaById(int id) {
        HttpRequest request = HttpRequest.newBuilder(URI.create(registryUrl + "/schemas/ids/" + id)).build();
        try {
            HttpResponse<String> response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() != 200) throw new IllegalStateException("schema " + id + ": " + response.body());
            return new Schema.Parser().parse(new ObjectMapper().readTree(response.body()).get("schema").asText());
        } catch (IOException error) {
            throw new IllegalStateException("The registry does not answer", error);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(error);
        }
    }
}
