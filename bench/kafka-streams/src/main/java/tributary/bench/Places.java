package tributary.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** Asks how many places an activity has left, as a Java team does within `mapValues`: a call that waits, behind a cache. */
final class Places {
    private final String apiUrl;
    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final ObjectMapper json = new ObjectMapper();
    private final Cache<String, Integer> answers =
        Caffeine.newBuilder().maximumSize(10_000).expireAfterWrite(Duration.ofMinutes(10)).build();

    Places(String apiUrl) {
        this.apiUrl = apiUrl;
    }

    int left(String activityId) {
        return answers.get(activityId, this::ask);
    }

    private int ask(String activityId) {
        URI uri = URI.create(apiUrl + "/activities/" + activityId + "/places");
        try {
            HttpResponse<byte[]> response =
                client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofByteArray());
            if (response.statusCode() != 200) throw new IllegalStateException(uri + " answers " + response.statusCode());
            return json.readTree(response.body()).get("placesLeft").asInt();
        } catch (IOException error) {
            throw new IllegalStateException(uri + " does not answer", error);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(error);
        }
    }
}
