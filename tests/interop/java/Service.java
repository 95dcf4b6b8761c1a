import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.api.baggage.Baggage;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.stream.Stream;

/** A service with the HTTP server of the JDK in a chain of services of several languages. */
public final class Service {
    /** Header with the URLs of the services that follow, separated by spaces. */
    private static final String CHAIN = "x-chain";

    /** Prefixes of the headers that contain a context. */
    private static final List<String> CONTEXT =
            List.of("traceparent", "tracestate", "baggage", "b3", "x-b3-", "uber");

    private static final HttpClient CLIENT =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    public static void main(String[] arguments) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/items/", Service::item);
        server.start();
        System.out.println("ready http://127.0.0.1:" + server.getAddress().getPort());
    }

    private static void item(HttpExchange exchange) throws IOException {
        int status = 200;
        String body;
        try {
            String chain = exchange.getRequestHeaders().getFirst(CHAIN);
            body = hops(received(exchange), chain == null ? "" : chain.strip());
        } catch (IOException | InterruptedException | RuntimeException error) {
            status = 502;
            body = error.toString();
        }
        byte[] bytes = body.getBytes("UTF-8");
        exchange.getResponseHeaders().set("content-type", "application/json");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    /** Calls the next service, and returns what each service of the chain has received. */
    private static String hops(String own, String chain) throws IOException, InterruptedException {
        if (chain.isEmpty()) {
            return "[" + own + "]";
        }
        String[] services = chain.split(" ", 2);
        String rest = services.length == 2 ? services[1] : "";
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(services[0])).header(CHAIN, rest).build();
        var response = CLIENT.send(request, BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IOException(services[0] + ": " + response.statusCode());
        }
        // The response is an array with at least one element.
        return "[" + own + "," + response.body().strip().substring(1);
    }

    private static String received(HttpExchange exchange) {
        List<String> headers = new ArrayList<>();
        exchange.getRequestHeaders().forEach((key, values) -> {
            String name = key.toLowerCase(Locale.ROOT);
            if (CONTEXT.stream().anyMatch(name::startsWith)) {
                values.forEach(value -> headers.add("[" + json(name) + "," + json(value) + "]"));
            }
        });
        Stream<String> baggage = Baggage.current().asMap().entrySet().stream()
                .map(entry -> json(entry.getKey()) + ":" + json(entry.getValue().getValue()));
        return "{\"service\":\"java\",\"headers\":[" + String.join(",", headers)
                + "],\"baggage\":{" + String.join(",", baggage.toList()) + "}}";
    }

    private static String json(String text) {
        StringBuilder escaped = new StringBuilder("\"");
        for (char it : text.toCharArray()) {
            boolean plain = it >= ' ' && it < 0x7f && it != '"' && it != '\\';
            escaped.append(plain ? it : String.format("\\u%04x", (int) it));
        }
        return escaped.append('"').toString();
    }
}
